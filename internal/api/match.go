package api

// Matching is embedded in inputs of changes: model.WithIfMatch passes it on to
// where the change is made. It is exported for Huma's sake.
type Matching struct {
	IfMatch string `header:"If-Match" maxLength:"1024" doc:"ETag of the thing that the change was made from, or * for any; 412 when it was changed since." example:"*"`
}

// tagged is an answer with the entity tag of what can be changed of it.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"The state of what can be changed of it, for If-Match."`
	Body T
}

// oneTagged answers with one thing and its tag, or the error that came instead.
func oneTagged[M, W any](m *M, err error, tag func(*M) string, wire func(*M) W) (*tagged[W], error) {
	if err != nil {
		return nil, err
	}
	return &tagged[W]{tag(m), wire(m)}, nil
}
