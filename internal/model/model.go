// Package model holds Drawbridge's nouns, their states and legal transitions,
// error codes and ids. It imports the standard library only, knows no SQL, no
// HTTP and no AWS SDK, and is therefore what every other package may share.
//
// Times are UTC. Ids are opaque strings with a prefix that names the noun
// (be_, job_, ...). Struct tags are the JSON of the REST API and of the
// columns that hold JSON.
package model
