package kinds

import (
	_ "embed"
	"encoding/base64"
	"strconv"
	"strings"

	"drawbridge/internal/model"
)

// sampleUserData is what an instance runs at first boot when the spec brings
// nothing of its own. The simulator reads its port from "port=NNNN".
//
//go:embed user_data.sh
var sampleUserData string

// userData is the spec's user data, or the sample app's, as the API takes it.
func userData(s model.Spec) string {
	text := s.Launch.UserData
	if text == "" {
		text = strings.ReplaceAll(sampleUserData, "{{PORT}}", strconv.Itoa(s.Port))
	}
	return base64.StdEncoding.EncodeToString([]byte(text))
}
