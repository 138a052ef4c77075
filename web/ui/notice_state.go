package ui

import "drawbridge/internal/model"

// NoticeState shows what a notice tells of, and whether that is good news.
func NoticeState(t model.NoticeType) State {
	s := State{Value: string(t)}
	switch t {
	case model.NoticeBackendReady:
		s.Word, s.Tone, s.Icon = "Ready", ToneOK, "check"
	case model.NoticeJobSucceeded:
		s.Word, s.Tone, s.Icon = "Done", ToneOK, "check"
	case model.NoticeBackendFailed, model.NoticeJobFailed:
		s.Word, s.Tone, s.Icon = "Failed", ToneBad, "x"
	case model.NoticeBackendDestroyed:
		s.Word, s.Tone, s.Icon = "Destroyed", ToneOff, "minus"
	case model.NoticeJobCancelled:
		s.Word, s.Tone, s.Icon = "Cancelled", ToneWarn, "minus"
	case model.NoticeSandboxCreated:
		s.Word, s.Tone, s.Icon = "Made", ToneIdle, "plus"
	case model.NoticeSandboxEnding:
		s.Word, s.Tone, s.Icon = "Ends soon", ToneWarn, "clock"
	case model.NoticeSandboxExtended:
		s.Word, s.Tone, s.Icon = "Extended", ToneIdle, "clock"
	case model.NoticeSandboxEnded:
		s.Word, s.Tone, s.Icon = "Ended", ToneOff, "minus"
	case model.NoticeSandboxEndFailed:
		s.Word, s.Tone, s.Icon = "Not gone", ToneBad, "alert"
	case model.NoticeQuotaNear:
		s.Word, s.Tone, s.Icon = "Nearly used up", ToneWarn, "alert"
	case model.NoticeWebhookDisabled:
		s.Word, s.Tone, s.Icon = "Off", ToneBad, "x"
	default:
		return unknown(s.Value)
	}
	return s
}

// WebhookState shows whether a webhook is sent anything, and takes it.
func WebhookState(w *model.Webhook) State {
	switch {
	case !w.Enabled && w.DisabledWhy != "":
		return State{Value: "disabled", Word: "Switched off by the server", Tone: ToneBad, Icon: "x"}
	case !w.Enabled:
		return State{Value: "off", Word: "Off", Tone: ToneOff, Icon: "minus"}
	case !w.FailingSince.IsZero():
		return State{Value: "failing", Word: "Failing", Tone: ToneWarn, Icon: "alert"}
	}
	return State{Value: "on", Word: "On", Tone: ToneOK, Icon: "check"}
}

// DeliveryState shows what became of a delivery.
func DeliveryState(d model.DeliveryState) State {
	s := State{Value: string(d)}
	switch d {
	case model.DeliveryPending:
		s.Word, s.Tone, s.Icon = "Pending", ToneBusy, "clock"
	case model.DeliveryDelivered:
		s.Word, s.Tone, s.Icon = "Delivered", ToneOK, "check"
	case model.DeliveryFailed:
		s.Word, s.Tone, s.Icon = "Failed", ToneBad, "x"
	default:
		return unknown(s.Value)
	}
	return s
}
