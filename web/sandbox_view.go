package web

import (
	"fmt"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/web/ui"
)

// sandboxView is what every page of a backend that is a sandbox shows of that.
type sandboxView struct {
	Chip      ui.Countdown
	Facts     []fact
	ExtendURL string // "" when it cannot be extended, or not by whoever looks
	Extend    []ui.Option
	Longer    string // the option that is chosen beforehand
	EndURL    string // "" when it cannot be ended, or not by whoever looks
	Notice    string // said aloud: that it ends soon, or that its end failed
	Tone      ui.Tone
}

// Lengths of a sandbox's life that are offered, and from when on its end is near.
var offeredTTLs = []time.Duration{time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour, 2 * 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour}

const (
	endInSight    = 48 * time.Hour
	endIsNear     = 2 * time.Hour
	endIsVeryNear = 30 * time.Minute
)

// newSandboxView is nil for a backend without an end.
func newSandboxView(x *model.Sandbox, actor model.Actor, now time.Time) *sandboxView {
	if x == nil {
		return nil
	}
	v := &sandboxView{Chip: countdown(x, now)}
	if x.Branch != "" {
		v.Facts = append(v.Facts, fact{"Branch", x.Branch})
	}
	v.Facts = append(v.Facts, fact{"Template", x.Template}, fact{"Made by", x.MadeByName})
	left := x.EndsAt.Sub(now)
	switch {
	case x.State() == model.SandboxEnding && x.Problem != nil:
		v.Tone, v.Notice = ui.ToneBad, fmt.Sprintf("It has ended, and destroying it failed %s: %s It is tried again until nothing of it is left.", times(x.Tries), x.Problem.Message)
	case x.State() != model.SandboxLives || left <= 0:
		return v
	case left <= endIsNear:
		v.Tone, v.Notice = ui.ToneWarn, "This sandbox "+v.Chip.Words+" and is destroyed then."
	case left <= endInSight && x.EndsAt.Sub(x.CreatedAt) > endInSight:
		v.Tone, v.Notice = ui.ToneIdle, "This sandbox "+v.Chip.Words+" and is destroyed then."
	}
	if panel.May(actor, panel.EndSandboxes, x.TeamID) {
		v.EndURL = pathSandboxEnd(x.BackendID)
	}
	if panel.May(actor, panel.MakeSandboxes, x.TeamID) && x.EndsAt.Before(x.MaxEndsAt) {
		v.ExtendURL, v.Extend = pathSandboxExtend(x.BackendID), extendOptions(x, now)
		v.Longer = longer(v.Extend)
	}
	return v
}

// extendOptions are the lengths to which it can be extended now.
func extendOptions(x *model.Sandbox, now time.Time) []ui.Option {
	var options []ui.Option
	for _, d := range offeredTTLs {
		if end := now.Add(d); end.After(x.EndsAt.Add(time.Minute)) && end.Before(x.MaxEndsAt) {
			options = append(options, ui.Option{Value: model.TTLText(d), Label: timeWords(d) + " from now"})
		}
	}
	return append(options, ui.Option{Value: model.LongestTTL, Label: "as long as it may: " + timeWords(x.MaxEndsAt.Sub(now))})
}

// longer is the option that is chosen beforehand: a day, wherever and whenever
// somebody looks, or as long as it may where a day is no more or too much.
func longer(options []ui.Option) string {
	for _, o := range options {
		if o.Value == model.TTLText(24*time.Hour) {
			return o.Value
		}
	}
	return model.LongestTTL
}

// countdown says when a sandbox ends. What it says is true at now; live pages
// are told again when the words change.
func countdown(x *model.Sandbox, now time.Time) ui.Countdown {
	c := ui.Countdown{Time: ago(x.EndsAt, now), State: ui.State{Value: string(x.State()), Tone: ui.ToneIdle, Icon: "clock"}}
	left := x.EndsAt.Sub(now)
	switch {
	case x.State() == model.SandboxGone:
		c.Time = ago(x.GoneAt, now)
		c.Words, c.Tone, c.Icon = "ended "+c.Time.Words, ui.ToneOff, "minus"
	case x.State() == model.SandboxEnding && x.Problem != nil:
		c.Words, c.Tone, c.Icon = "cannot be destroyed", ui.ToneBad, "alert"
	case x.State() == model.SandboxEnding || left <= 0:
		c.Words, c.Tone, c.Icon = "ending", ui.ToneBusy, "loader"
	default:
		c.Words = "ends in " + timeWords(left)
		if left <= endIsVeryNear {
			c.Tone = ui.ToneBad
		} else if left <= endIsNear {
			c.Tone = ui.ToneWarn
		}
	}
	return c
}

// timeWords rounds a length of time to what somebody wants to know of it.
func timeWords(d time.Duration) string {
	minutes := int(d.Round(time.Minute).Minutes())
	days, hours, rest := minutes/(24*60), minutes/60%24, minutes%60
	switch {
	case d < time.Minute:
		return "less than a minute"
	case days > 0 && hours > 0:
		return count(days, "day") + fmt.Sprintf(" %d h", hours)
	case days > 0:
		return count(days, "day")
	case hours > 0 && rest > 0:
		return fmt.Sprintf("%d h %02d min", hours, rest)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	}
	return fmt.Sprintf("%d min", minutes)
}

func times(n int) string {
	if n <= 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// counting tells, asked now and then, whether a sandbox's countdown says
// something else than when it was asked last.
func (w *Web) counting(sandbox func() *model.Sandbox) func() bool {
	words := func() string {
		if x := sandbox(); x != nil {
			return countdown(x, w.now()).Words
		}
		return ""
	}
	last := words()
	return func() bool {
		now := words()
		changed := now != last
		last = now
		return changed
	}
}
