package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

	"drawbridge/internal/model"
)

// version is that of the message below. Fields are added without a new one.
const version = "1"

// message is the body of the standard format. It names things and says where
// to read more; it holds no spec and no secret.
type message struct {
	Type      string            `json:"type"`
	Timestamp string            `json:"timestamp"` // of what happened, not of the attempt
	Version   string            `json:"version"`
	Data      map[string]string `json:"data"`
}

// links are the panel's pages of what a notice tells of.
func links(panelURL string, n *model.Notice) map[string]string {
	panelURL = strings.TrimSuffix(panelURL, "/")
	out := map[string]string{"url": panelURL + "/notices"}
	if n.Type == model.NoticeWebhookDisabled || n.Type == model.NoticeWebhookTest {
		out["url"] = panelURL + "/teams/" + url.PathEscape(n.TeamID) + "/webhooks/" + url.PathEscape(n.Data["webhook_id"])
	}
	if n.Type == model.NoticeQuotaNear {
		out["url"] = panelURL + "/teams/" + url.PathEscape(n.TeamID) + "/quota"
	}
	if n.JobID != "" {
		out["job_url"] = panelURL + "/jobs/" + url.PathEscape(n.JobID)
		out["url"] = out["job_url"]
	}
	if n.BackendID != "" {
		out["backend_url"] = panelURL + "/backends/" + url.PathEscape(n.BackendID)
		out["url"] = out["backend_url"]
	}
	return out
}

// standard is the body that a Standard Webhooks receiver gets. It is the same
// at every attempt.
func standard(panelURL string, n *model.Notice) ([]byte, error) {
	data := map[string]string{}
	maps.Copy(data, n.Data)
	maps.Copy(data, links(panelURL, n))
	maps.Copy(data, map[string]string{"notice_id": n.ID, "team_id": n.TeamID, "title": n.Title, "text": n.Text})
	for key, id := range map[string]string{"backend_id": n.BackendID, "job_id": n.JobID} {
		if id != "" {
			data[key] = id
		}
	}
	return json.Marshal(message{Type: string(n.Type), Timestamp: n.At.UTC().Format(time.RFC3339Nano), Version: version, Data: data})
}

// slackText is Slack's limit of a section's text.
const slackText = 3000

// slackEscape is what Slack's mrkdwn wants escaped, and what Mattermost would make
// a call of everybody or a link of: an unseen space keeps it text.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "](", "]\u200b(", "@", "@\u200b")

// slack is a message for an incoming webhook of Slack, or of Mattermost, which
// shows the text where it knows no blocks.
func slack(panelURL string, n *model.Notice) ([]byte, error) {
	to := links(panelURL, n)
	headline := fmt.Sprintf("%s *<%s|%s>*", slackIcon(n.Type), to["url"], slackEscape.Replace(n.Title))
	text := headline
	if n.Text != "" {
		text += "\n" + slackEscape.Replace(n.Text)
	}
	if invoke := n.Data["invoke_url"]; invoke != "" {
		text += "\n<" + invoke + ">"
	}
	if len(text) > slackText {
		text = strings.ToValidUTF8(text[:slackText-len("…")], "") + "…"
	}
	foot := "Drawbridge · `" + string(n.Type) + "`"
	if job := to["job_url"]; job != "" {
		foot += " · <" + job + "|job>"
	}
	type words struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	type block struct {
		Type     string  `json:"type"`
		Text     *words  `json:"text,omitempty"`
		Elements []words `json:"elements,omitempty"`
	}
	return json.Marshal(struct {
		Text   string  `json:"text"`
		Blocks []block `json:"blocks"`
	}{text, []block{{Type: "section", Text: &words{"mrkdwn", text}}, {Type: "context", Elements: []words{{"mrkdwn", foot}}}}})
}

// slackIcon says at a glance whether somebody has to look.
func slackIcon(t model.NoticeType) string {
	switch t {
	case model.NoticeBackendReady, model.NoticeJobSucceeded, model.NoticeSandboxCreated:
		return ":white_check_mark:"
	case model.NoticeBackendFailed, model.NoticeJobFailed, model.NoticeSandboxEndFailed, model.NoticeWebhookDisabled:
		return ":red_circle:"
	case model.NoticeQuotaNear:
		return ":warning:"
	case model.NoticeSandboxEnding:
		return ":hourglass_flowing_sand:"
	}
	return ":information_source:"
}
