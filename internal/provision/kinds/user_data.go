package kinds

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
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
	return base64.StdEncoding.EncodeToString([]byte(userDataText(s)))
}

func userDataText(s model.Spec) string {
	if s.Launch.UserData != "" {
		return s.Launch.UserData
	}
	return strings.ReplaceAll(sampleUserData, "{{PORT}}", strconv.Itoa(s.Port))
}

// userDataSum tells user data apart without showing it.
func userDataSum(s model.Spec) string {
	sum := sha256.Sum256([]byte(userDataText(s)))
	return hex.EncodeToString(sum[:])
}
