package sms

import (
	"testing"

	"github.com/minddistrict/idp/authn"
)

func TestMessageIsTriedAsLongAsItsCodeWorks(t *testing.T) {
	if codeMessage.Life != authn.TicketSMS.Life() {
		t.Errorf("a code that works for %s is sent for %s", authn.TicketSMS.Life(), codeMessage.Life)
	}
}
