package sms

import (
	"encoding/hex"
	"time"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// How much is sent. A message costs money, and somebody who is paid for calls to a number may try to have as many sent as
// possible; an organisation's own bound is platform.Policy.SMSPerDay.
const (
	again = 30 * time.Second // until the next one can be asked

	perQuarter = 3 // of an account
	perHour    = 5 // of an account
	perNumber  = 10
	day        = 24 * time.Hour
)

// PerDay bounds the text messages of a platform. The window begins with the first one of a day.
func PerDay(p *platform.Platform) authn.Limit {
	return authn.Limit{Key: "text messages", Max: p.Policy.SMSPerDay, Window: day}
}

// limits are those of one message to a number.
func (o Options) limits(v *login.Visit, number string) []authn.Limit {
	key := func(what, of string) string {
		return hex.EncodeToString(o.Sealer.MAC("text messages", string(v.Platform.ID)+"\x00"+what+"\x00"+of))
	}
	id := string(v.Facts.Account.ID)
	return []authn.Limit{
		{Key: key("quarter", id), Max: perQuarter, Window: 15 * time.Minute},
		{Key: key("hour", id), Max: perHour, Window: time.Hour},
		{Key: key("number", number), Max: perNumber, Window: day},
		PerDay(v.Platform),
	}
}

// minutes is how long somebody waits, as a text says it.
func minutes(v *login.Visit, until time.Time) int {
	return int((until.Sub(v.Now) + time.Minute - 1) / time.Minute)
}
