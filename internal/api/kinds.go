package api

import "drawbridge/internal/model"

// ErrorKinds explains every code of this API's problems. A problem's type is
// the address of its row on the page of errors; docs/rest.md has the same rows.
func ErrorKinds() model.ErrorChapter {
	row := func(code, meaning, advice string) model.Explanation {
		return model.Explanation{Codes: []string{code}, Meaning: meaning, Advice: advice}
	}
	return model.ErrorChapter{Title: "The REST API's own errors", Explanations: []model.Explanation{
		row("malformed", "The body is not the JSON that is asked for (400).", "Send one JSON object in UTF-8."),
		row("unauthorized", "The request came without a valid API token (401).", "Send Authorization: Bearer and a token that is neither expired nor revoked."),
		row("forbidden", "The token's role does not allow this (403).", "Use a token with the role that the message names, or ask an owner of the team."),
		row("stale", "You signed in too long ago for something that cannot be undone (403).", "Prove once more who you are. Tokens never get this."),
		row("not_found", "There is no such thing, or it is another team's (404).", "Check the id and the token's team."),
		row("method_not_allowed", "The address does not answer this method (405).", "Look the operation up at /api/docs."),
		row("timeout", "The body did not arrive in time (408).", "Send it again."),
		row("conflict", "The state of the thing does not allow this now (409).", "The message says why; holder names the job that stands in the way. With Retry-After, send the same again after that time."),
		row("precondition_failed", "The thing is not as If-Match or If-None-Match says (412).", "Somebody changed it meanwhile. Read it again, apply your change to that, and send its new ETag."),
		row("too_large", "The body is too large (413).", "Send less at once; the message says how much may be."),
		row("unsupported_media_type", "The body is not sent as JSON (415).", "Send Content-Type: application/json."),
		row("invalid", "Some inputs need another value (422).", "errors names each of them and says how to mend it."),
		row("too_many", "The token sent too many requests (429).", "Wait for as long as Retry-After says. RateLimit tells beforehand what is left."),
		row("internal", "Something went wrong inside Drawbridge (500).", "Look for the request id in the server's log. A POST with an Idempotency-Key may be sent again."),
		row("unavailable", "AWS, the database or the disk does not answer (503).", "Send the same again after the time in Retry-After."),
	}}
}

// typeOf is the address of the page that explains a code.
func typeOf(code string) string { return model.HelpPath + "#" + code }
