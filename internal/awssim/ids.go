package awssim

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// rand.Read never fails on the systems that Go supports: it ends the program
// instead, so its error is not looked at.

func randomHex(n int) string {
	b := make([]byte, (n+1)/2)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

// ec2ID makes an id as EC2 does: the prefix and 17 hex digits.
func ec2ID(prefix string) string { return prefix + "-0" + randomHex(16) }

// shortID makes an id as API Gateway does: n letters and digits.
func shortID(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// requestUUID makes a request id of the control plane.
func requestUUID() string {
	h := randomHex(32)
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

// gatewayRequestID makes an id as in the header Apigw-Requestid.
func gatewayRequestID() string {
	b := make([]byte, 11)
	_, _ = rand.Read(b)
	return base64.URLEncoding.EncodeToString(b)
}

// traceID makes one part of X-Amzn-Trace-Id, as 1-68adf1c3-5b3….
func traceID(now time.Time) string { return fmt.Sprintf("1-%08x-%s", now.Unix(), randomHex(24)) }
