package admin

import (
	"time"

	"github.com/minddistrict/idp/ui"
)

// sampleNoon is when what samples show happened.
var sampleNoon = time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)

// sampleChrome is around the samples, of which one page is open. A line that only some platforms have is there on its own
// pages.
func sampleChrome(current string) Chrome {
	c := Chrome{HomeURL: "https://linde.example.net/"}
	for _, page := range (&Server{}).pages() {
		if page.Menu != "" && (page.Where == nil || page.Menu == current) {
			c.Menu = append(c.Menu, MenuLine{Key: page.Menu, URL: page.Path, Current: page.Menu == current})
		}
	}
	c.Menu = append(c.Menu, MenuLine{Key: ownKey, URL: ownPath})
	return c
}

var (
	sampleAnna   = Named{Name: "Anna van der Berg-Bakker", URL: root + "/people/4xq2m7nkc5vbz3hdtw6ysgjp4r"}
	sampleHenk   = Named{Name: "Henk de Vries", URL: root + "/people/4xq2m7nkc5vbz3hdtw6ysgjp5r"}
	sampleEvents = []Line{
		{
			At: sampleNoon, What: "staff.kind_session_start", Why: []Why{{Key: "activity.by_password"}}, Whose: sampleAnna, By: sampleAnna, Reference: "7KQ4-MXDA",
			Address: "192.0.2.7", Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
			AboutURL: recordPath + "?about=4xq2m7nkc5vbz3hdtw6ysgjp4r", ByURL: recordPath + "?by=4xq2m7nkc5vbz3hdtw6ysgjp4r",
		},
		{At: sampleNoon.Add(-time.Minute), What: "staff.kind_password_refuse", Failed: true, Why: []Why{{Key: "staff.why_wrong"}}, Whose: sampleAnna, By: sampleAnna, Reference: "7KQ4-MXDB"},
		{At: sampleNoon.Add(-time.Hour), What: "staff.kind_two_step_reset", Whose: sampleAnna, By: sampleHenk, Reference: "7KQ4-MXDC"},
		{At: sampleNoon.Add(-time.Hour), What: "staff.kind_letter_settle", Why: []Why{{Key: "mail_off.subject"}, {Key: "staff.why_sent"}}, Whose: sampleAnna, By: Named{Key: "staff.by_system"}},
		{At: sampleNoon.Add(-2 * time.Hour), What: "staff.kind_party_refuse", Failed: true, Why: []Why{{Key: "staff.why_not_proven"}}, Said: "private_key_jwt (aud)", By: Named{Key: "staff.by_system"}, Reference: "7KQ4-MXDF"},
	}
)

// samples are the states of the page.
func (ReferencePage) samples() []ui.Sample {
	page := func(number string, asked bool, events ...Line) ReferencePage {
		return ReferencePage{Chrome: sampleChrome("staff.reference"), Action: root + "/reference", Number: number, Asked: asked, Events: events, PeopleURL: root}
	}
	return []ui.Sample{
		{Name: "asked", Data: page("", false), Staff: true},
		{Name: "found", Data: page("7KQ4-MXDA", true, sampleEvents...), Staff: true},
		{Name: "nothing on record", Data: page("7KQ4-MXDZ", true), Staff: true},
		{Name: "no number", Data: page("7KQ", false), Staff: true, Errors: []ui.FieldError{{Field: "number", Key: "staff.reference_wrong"}}, Status: 422},
	}
}
