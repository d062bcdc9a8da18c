package admin

import (
	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// samples are the states of the page.
func (WelcomePage) samples() (all []ui.Sample) {
	page := WelcomePage{Chrome: sampleChrome("staff.welcome"), Action: welcome, Most: staff.MostAgain, Sent: -1}
	for i, state := range account.InviteStates {
		page.States = append(page.States, Stage{Key: inviteKey(state), N: 1234 * i, URL: welcome + "?s=x"})
	}
	add := func(name string, change func(*WelcomePage)) {
		p := page
		change(&p)
		all = append(all, ui.Sample{Name: name, Data: p, Staff: true})
	}
	add("counts", func(*WelcomePage) {})
	add("a list", func(p *WelcomePage) {
		p.Listed, p.Again, p.Next = true, true, welcome+"?s=y"
		p.People = []WelcomeRow{
			{Row: Row{Name: "Anna van der Berg-Bakker", Email: "anna@example.org", URL: sampleAnna.URL, Role: roleKey(platform.Client)}, Again: sampleAnna.URL + "/resend"},
			{Row: Row{Name: "bram.de.vries-van-den-hoogenband@ggz-de-linde.example.org", URL: sampleHenk.URL, Role: roleKey(platform.Manager)}},
		}
	})
	add("nobody", func(p *WelcomePage) { p.Listed = true })
	add("sent again", func(p *WelcomePage) { p.Sent = 12 })
	add("sent to nobody", func(p *WelcomePage) { p.Sent = 0 })
	return all
}
