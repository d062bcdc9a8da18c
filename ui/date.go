package ui

import (
	"fmt"
	"time"

	"github.com/minddistrict/idp/platform"
)

// months are as a sentence has them.
var months = map[string][12]string{
	"nl": {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"},
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// Moment is a day and a time on the clocks of the platform's country: "26 november 2026 om 14:05". No line ends between
// the last two words.
func Moment(lang string, p *platform.Platform, at time.Time) string {
	at = at.In(Zone(p))
	joined := " om\u00a0"
	if lang == "en" {
		joined = " at\u00a0"
	}
	return Day(lang, p, at) + joined + at.Format("15:04")
}

// Day is a day on the calendars of the platform's country: "26 november 2026".
func Day(lang string, p *platform.Platform, at time.Time) string {
	names, ok := months[lang]
	if !ok {
		names = months["nl"]
	}
	at = at.In(Zone(p))
	return fmt.Sprintf("%d %s %d", at.Day(), names[at.Month()-1], at.Year())
}

// Zone is what the clocks of the platform's country follow. It needs the zones of the machine or of time/tzdata; without them times are UTC.
func Zone(p *platform.Platform) *time.Location {
	zone, err := time.LoadLocation(p.TimeZone())
	if err != nil {
		return time.UTC
	}
	return zone
}

// Duration is a length of time as a sentence has it: "2 uur", or "90 minuten" where it is no whole number of hours.
func (v *View) Duration(d time.Duration) string {
	if d%time.Hour == 0 {
		return v.T("duration.hours", "n", int(d/time.Hour))
	}
	return v.T("duration.minutes", "n", int(d/time.Minute))
}
