// Package rest holds the REST API of the wired server to its own OpenAPI
// document: the document's examples are sent, and random requests, and every
// answer must be one that the document tells of. It has no code outside tests.
package rest
