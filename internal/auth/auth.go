// Package auth knows who asks: browser sessions, the one-time sign-in link,
// API tokens and the roles behind them. What a role may do is decided in panel.
package auth
