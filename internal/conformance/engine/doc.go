// Package engine measures the real binary against its lower bound: how soon
// chains are usable, with how many calls, how much memory and processor time.
// The simulated AWS is another process with real-life durations; what is
// measured and how is in docs/performance.md. It has no code of its own
// beside benchmarks and the tests of their arithmetic.
package engine
