// Package traffic sends requests through the simulated AWS with clients that
// are not ours: curl, Go's HTTP client, Chromium. Its benchmarks compare the
// way through the invoke URL with one reverse proxy. It has no code of its own
// beside tests.
package traffic
