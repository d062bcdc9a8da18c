package wire

import (
	"strings"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/metrics"
)

// Outcomes of a sign-in.
const (
	succeeded   = "success"
	wrong       = "wrong"
	tooMany     = "too_many"
	refused     = "refused"
	unreachable = "unreachable"
)

// secondFactor is the method of a code that was refused, where its event names none.
const secondFactor = "second_factor"

// expected are the sign-ins whose first alarms have to see: a counter that begins at one has not risen.
var expected = []struct{ method, outcome string }{
	{authn.Password, succeeded}, {authn.Password, wrong}, {authn.Password, tooMany}, {authn.Password, refused},
	{secondFactor, wrong}, {secondFactor, tooMany}, {authn.PIN, wrong},
	{federation.Method, succeeded}, {federation.Method, refused}, {federation.Method, unreachable},
}

// count counts what is on record, for the operator.
func count(m *metrics.Metrics) func([]audit.Event) {
	return func(all []audit.Event) {
		for i := range all {
			e := &all[i]
			p := string(e.Platform)
			m.Event(p, string(e.Kind), string(e.Outcome))
			if method, outcome := signIn(e); outcome != "" {
				m.SignIn(p, method, outcome)
			}
			if method := setUp(e); method != "" {
				m.SetUp(p, method)
			}
		}
	}
}

// signIn is the method and outcome of a sign-in that an event tells of; no outcome: it tells of none. All words are ours,
// and few.
func signIn(e *audit.Event) (method, outcome string) {
	switch e.Kind {
	case audit.SessionStarted:
		return e.Reason, succeeded
	case audit.PasswordRefused:
		return authn.Password, refusal(e.Reason)
	case audit.PINRefused:
		return authn.PIN, refusal(e.Reason)
	case audit.SecondFactorRefused:
		for _, why := range []string{reasonWrong, reasonTooMany} {
			if method, named := strings.CutSuffix(e.Reason, " "+why); named {
				return method, refusal(why)
			}
		}
		return secondFactor, refusal(e.Reason)
	case audit.FederatedRefused:
		if e.Reason == string(federation.Unreachable) {
			return federation.Method, unreachable
		}
		return federation.Method, refused
	}
	return "", ""
}

// Reasons of events whose outcomes are not just refused.
const (
	reasonWrong   = "wrong"
	reasonTooMany = "too many"
)

// refusal is the outcome by what an event gives as reason.
func refusal(reason string) string {
	switch reason {
	case reasonWrong:
		return wrong
	case reasonTooMany:
		return tooMany
	}
	return refused
}

// setUp is the method that an event says was set up; empty: none.
func setUp(e *audit.Event) string {
	switch e.Kind {
	case audit.CredentialAdded:
		return e.Reason
	case audit.PasswordSet:
		return authn.Password
	case audit.PINSet:
		return authn.PIN
	case audit.DeviceAdded:
		return "app"
	}
	return ""
}
