// Package clients lets programs that we did not write work with the simulated
// AWS: the AWS CLI, boto3 and aws-sdk-go-v2, and compares it with moto_server.
// It has tests only. A test whose program is missing is skipped, in CI it fails.
package clients
