package admin

import (
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

var (
	sampleDevice  = ui.Machine{App: true, Name: "Telefoon van Anna van der Berg-Bakker"}
	sampleMachine = ui.Machine{Browser: "Firefox", System: "Windows"}
	sampleAsked   = []PendingAct{
		{
			ID: "a", What: deedOf(staff.ActReset).key("title"), Why: []string{staff.LostPhone.TextKey(), staff.CalledBack.TextKey()},
			Whose: sampleAnna, By: sampleHenk, Until: sampleNoon, URL: waiting + "/a", Theirs: Theirs{Agree: true, Withdraw: true},
		},
		{
			ID: "b", What: deedOf(staff.ActCorrectAddress).key("title"), Address: "bram.de.vries-van-den-hoogenband@ggz-de-linde.example.org",
			Why: []string{staff.Mistyped.TextKey()}, Whose: sampleAnna, By: sampleHenk, Until: sampleNoon, URL: waiting + "/b", Theirs: Theirs{Withdraw: true, Own: true},
		},
		{
			ID: "c", What: deedOf(staff.ActSetRole).key("title"), Role: roleKey(platform.Manager), Why: []string{staff.NewTask.TextKey()},
			Whose: sampleAnna, By: Named{Key: "staff.by_unknown"}, Until: sampleNoon, Lapses: true, URL: waiting + "/c",
		},
	}
)

// samples are the states of the page.
func (WaitingPage) samples() (all []ui.Sample) {
	page := WaitingPage{Chrome: sampleChrome("staff.waiting")}
	add := func(name string, change func(*WaitingPage)) {
		p := page
		change(&p)
		all = append(all, ui.Sample{Name: name, Data: p, Staff: true})
	}
	add("nothing", func(*WaitingPage) {})
	add("some", func(p *WaitingPage) { p.Asked = sampleAsked })
	add("one", func(p *WaitingPage) { p.Asked, p.All = sampleAsked[:1], waiting })
	add("after it ended meanwhile", func(p *WaitingPage) { p.Notice = noticeChanged })
	return all
}
