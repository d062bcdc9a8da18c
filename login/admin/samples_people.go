package admin

import (
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// sampleFilters are the lists, of which one may be open.
func sampleFilters(current string) (all []Filter) {
	for _, f := range lists {
		all = append(all, Filter{Key: f.key, URL: root + "?s=4xq2m7nkc5vbz3hdtw6ysgjp4r", Current: f.name == current})
	}
	return all
}

// samples are the states of the page.
func (PeoplePage) samples() []ui.Sample {
	page := func(change func(*PeoplePage)) PeoplePage {
		p := PeoplePage{Chrome: sampleChrome("staff.people"), Action: root, Filters: sampleFilters(""), InviteURL: root + "/invite"}
		change(&p)
		return p
	}
	person := func(name, email string, role platform.Role, state string, at time.Time) Row {
		return Row{Name: name, Email: email, URL: sampleAnna.URL, Role: roleKey(role), State: state, SignedIn: at}
	}
	found := []Row{
		person("Anna van der Berg-Bakker", "anna@example.org", platform.Client, "", sampleNoon),
		person("Bram de Vries", "bram.de.vries-van-den-hoogenband@ggz-de-linde.example.org", platform.Relative, "staff.state_invited", time.Time{}),
		person("eva@example.org", "", platform.Professional, "staff.state_deactivated", sampleNoon),
	}
	return []ui.Sample{
		{Name: "begun", Data: page(func(*PeoplePage) {}), Staff: true},
		{Name: "found", Data: page(func(p *PeoplePage) {
			p.Typed, p.Asked, p.People, p.Next, p.First = "b", true, found, root+"?s=y", root+"?s=x"
		}), Staff: true},
		{Name: "a list", Data: page(func(p *PeoplePage) {
			p.Asked, p.People, p.Filters, p.Incomplete, p.Export = true, found[:1], sampleFilters("client"), true, people+".csv"
		}), Staff: true},
		{Name: "nobody", Data: page(func(p *PeoplePage) { p.Typed, p.Asked = "xyz", true }), Staff: true},
		{Name: "nothing typed", Data: page(func(*PeoplePage) {}), Staff: true, Errors: []ui.FieldError{{Field: "typed", Key: "staff.people_nothing_typed"}}, Status: 422},
	}
}

// samples are the states of the page.
func (PersonPage) samples() []ui.Sample {
	page := PersonPage{
		Chrome: sampleChrome("staff.people"), Whose: Whose{Name: "Anna van der Berg-Bakker", Email: "anna@example.org"},
		Role: roleKey(platform.Client), Back: root, Attempts: sampleEvents,
		Answer: Answer{Says: []Finding{{Key: "staff.finding_well", Tone: "done"}}},
		Facts: []Fact{
			{Key: "staff.fact_state", Value: "staff.state_active"}, {Key: "staff.fact_signed_in", At: sampleNoon},
			{Key: "staff.fact_second", Value: "staff.second_totp", Also: []string{"staff.second_sms"}}, {Key: "staff.fact_codes", N: 7},
			{Key: "staff.fact_devices", N: 2}, {Key: "staff.fact_browsers", N: 2}, {Key: "staff.fact_apps", N: 1}, {Key: "staff.fact_remembered", N: 1},
		},
		Mails: []Mail{
			{Subject: "mail_reset.subject", State: "staff.mail_used", At: sampleNoon},
			{Subject: "staff.text_message", State: "staff.mail_sent", At: sampleNoon},
			{Subject: "mail_welcome.subject", State: "staff.mail_refused", Bad: true, At: sampleNoon, Said: "550 5.1.1 mailbox unknown"},
		},
	}
	offers := func(names ...string) (all []Offer) {
		for _, name := range names {
			d := Deed{Name: name}
			all = append(all, Offer{Key: d.key("title"), URL: sampleAnna.URL + "/" + name})
		}
		return all
	}
	page.Deeds = offers("reset-two-step", "end-sessions", "deactivate")
	page.Beyond = []string{Deed{Name: "change-address"}.key("title"), Deed{Name: "role"}.key("title")}
	var all []ui.Sample
	add := func(name string, change func(*PersonPage)) {
		p := page
		change(&p)
		all = append(all, ui.Sample{Name: name, Data: p, Staff: true})
	}
	add("well", func(*PersonPage) {})
	add("blocked", func(p *PersonPage) {
		p.Says = []Finding{
			{Key: findingKey(authn.WaitPassword), Tone: "warning", Until: sampleNoon}, {Key: findingKey(authn.WaitRecovery), Tone: "warning", Until: sampleNoon},
			{Key: findingKey(authn.WaitCodes), Tone: "warning", Until: sampleNoon}, {Key: "staff.finding_mail_refused", Tone: "warning"},
			{Key: findingKey(authn.WaitReset), Tone: "warning", Until: sampleNoon}, {Key: findingKey(authn.WaitUnblock), Tone: "warning", Until: sampleNoon},
		}
		p.Beyond = nil
		p.Waits = []Waiting{
			{waitKey(authn.WaitPassword), sampleNoon}, {waitKey(authn.WaitCodes), sampleNoon}, {waitKey(authn.WaitRecovery), sampleNoon},
			{waitKey(authn.WaitReset), sampleNoon}, {waitKey(authn.WaitUnblock), sampleNoon},
		}
		p.Deeds = offers("unblock", "reset-two-step", "change-address")
	})
	add("waits", func(p *PersonPage) {
		p.Says = []Finding{{Key: findingKey(authn.WaitPassword), Tone: "warning", Until: sampleNoon}}
		p.Waits = []Waiting{{waitKey(authn.WaitPassword), sampleNoon}}
		p.Deeds = offers("unblock", "reset-two-step", "change-address", "end-sessions", "deactivate")
	})
	for _, state := range []string{"sent", "expired"} {
		add("invited and "+state, func(p *PersonPage) {
			p.Name, p.Attempts, p.Facts = "", nil, []Fact{
				{Key: "staff.fact_state", Value: "staff.state_invited"}, {Key: "staff.fact_signed_in", Value: "staff.never"}, {Key: "staff.fact_second", Value: "staff.off"},
			}
			p.Says, p.Deeds = []Finding{{Key: "staff.finding_invite_" + state, Tone: "waiting"}}, offers("resend", "correct-address")
			p.Mails = []Mail{
				{Subject: "mail_welcome.subject", State: "staff.mail_expired", At: sampleNoon}, {Subject: "mail_welcome.subject", State: "staff.mail_begun", At: sampleNoon},
				{Subject: "mail_welcome.subject", State: "staff.mail_replaced", At: sampleNoon}, {Subject: "mail_welcome.subject", State: "staff.mail_queued", At: sampleNoon},
			}
		})
	}
	add("somebody asked for something", func(p *PersonPage) { p.Asked = sampleAsked[:1] })
	add("logged in", func(p *PersonPage) {
		p.Deeds = slices.Insert(slices.Clip(p.Deeds), 1, Offer{Key: "staff.to_devices", URL: "#reach"})
		p.Reach = []Reach{
			{Kind: "staff.reach_device", Machine: sampleDevice, AddedAt: sampleNoon, UsedAt: sampleNoon, Key: Deed{Name: removeDevice}.key("title"), URL: sampleAnna.URL + "/" + removeDevice + "/v"},
			{Kind: "staff.reach_device", Machine: ui.Machine{App: true}, AddedAt: sampleNoon, UsedAt: sampleNoon, Key: Deed{Name: removeDevice}.key("title"), URL: sampleAnna.URL + "/" + removeDevice + "/w"},
			{Kind: "staff.reach_browser", Machine: sampleMachine, AddedAt: sampleNoon, UsedAt: sampleNoon, Key: Deed{Name: endSession}.key("title"), URL: sampleAnna.URL + "/" + endSession + "/x"},
			{Kind: "staff.reach_app", Machine: ui.Machine{System: "Android"}, AddedAt: sampleNoon, UsedAt: sampleNoon, Key: Deed{Name: endSession}.key("title"), URL: sampleAnna.URL + "/" + endSession + "/y"},
			{Kind: "staff.reach_remembered", AddedAt: sampleNoon, UsedAt: sampleNoon, Key: Deed{Name: forgetBrowser}.key("title"), URL: sampleAnna.URL + "/" + forgetBrowser + "/z"},
		}
	})
	add("linked to organisations", func(p *PersonPage) {
		p.Deeds = slices.Insert(slices.Clip(p.Deeds), 1, Offer{Key: "staff.to_links", URL: "#links"})
		p.Links = []Link{
			sampleLink, {Connection: "lindehof-old", AddedAt: sampleNoon, MadeBy: "staff.link_made_operator"},
			{Names: map[string]string{"nl": strings.Repeat("Wilgenhof", 8)}, Label: strings.Repeat("anna.bakker", 6) + "@hof.example", AddedAt: sampleNoon, UsedAt: sampleNoon},
		}
		for i := range p.Links[:2] {
			p.Links[i].URL = sampleAnna.URL + "/" + removeLink + "/x"
		}
	})
	add("another address is asked for", func(p *PersonPage) {
		p.Says, p.Deeds = []Finding{{Key: "staff.finding_new_address", Tone: "waiting"}}, offers("resend", "correct-address")
	})
	add("inactive", func(p *PersonPage) {
		p.Says, p.Deeds = []Finding{{Key: "staff.finding_deactivated", Tone: "stopped"}}, offers("reactivate")
		p.Ended = []Line{{At: sampleNoon, What: "staff.kind_account_deactivate", Why: []Why{{Key: staff.Left.TextKey()}}, Whose: sampleAnna, By: sampleHenk, Reference: "7KQ4-MXDE"}}
		p.Facts, p.Mails, p.Beyond = []Fact{{Key: "staff.fact_state", Value: "staff.state_deactivated"}}, nil, nil
	})
	add("blocked by the owner", func(p *PersonPage) {
		p.Says, p.Deeds = []Finding{{Key: "staff.finding_frozen", Tone: "stopped"}}, offers("reactivate")
		p.Ended = []Line{{At: sampleNoon, What: "staff.kind_account_freeze", Reference: "7KQ4-MXDE"}}
		p.Facts, p.Mails, p.Beyond = []Fact{{Key: "staff.fact_state", Value: "staff.state_deactivated"}}, nil, nil
	})
	add("without a password", func(p *PersonPage) {
		p.Beyond, p.Says, p.Deeds = nil, []Finding{{Key: "staff.finding_no_password", Tone: "warning"}}, []Offer{{Key: "staff.deeds_none"}}
	})
	add("marked", func(p *PersonPage) {
		p.Beyond, p.Says, p.Deeds = nil, []Finding{{Key: "staff.finding_marked", Tone: "waiting"}}, []Offer{{Key: "staff.deeds_own"}}
	})
	for _, key := range []string{Deed{Name: "reset-two-step"}.key("done"), noticeChanged} {
		add("after "+key, func(p *PersonPage) { p.Notice = key })
	}
	return all
}

var sampleLink = Link{
	Names: map[string]string{"nl": "GGZ Lindehof", "en": "Lindehof Trust"}, Connection: "lindehof", Label: "a.bakker@lindehof.example", AddedAt: sampleNoon,
	MadeBy: "staff.link_made_own", UsedAt: sampleNoon,
}

// samples are the states of the page.
func (DeedPage) samples() (all []ui.Sample) {
	for _, d := range deeds {
		page := DeedPage{
			Chrome: sampleChrome("staff.people"), Action: sampleAnna.URL + "/" + d.Name, Title: d.key("title"), Body: d.key("body"),
			Button: d.key("button"), Danger: d.Danger, Whose: Whose{Name: "Anna van der Berg-Bakker", Email: "anna@example.org", Device: d.Each, Machine: sampleMachine, UsedAt: sampleNoon},
			Questions: d.questions(Form{}, platform.Roles), AsksEmail: d.Email, Back: sampleAnna.URL,
		}
		if d.Role {
			page.Whose.Role = roleKey(platform.Professional)
		}
		switch d.Name {
		case removeDevice:
			page.Whose.Machine = sampleDevice
		case removeLink:
			link := sampleLink
			page.Whose.Device, page.Whose.Link = false, &link
		}
		all = append(all, ui.Sample{Name: d.Name, Data: page, Staff: true})
		if page.Waits = d.waitsKey(&account.Account{Role: platform.Manager}); page.Waits != "" {
			all = append(all, ui.Sample{Name: d.Name + " that waits", Data: page, Staff: true})
		}
		page.Waits = ""
		var mistakes []ui.FieldError
		for _, m := range d.mistakes(Form{}, platform.Roles) {
			mistakes = append(mistakes, ui.FieldError(m))
		}
		if len(mistakes) > 0 && (d.Name == "reset-two-step" || d.Email || d.Role) {
			all = append(all, ui.Sample{Name: d.Name + " with nothing chosen", Data: page, Staff: true, Errors: mistakes, Status: 422})
		}
		if d.Email {
			page.Typed = "bram@example.org"
			all = append(all, ui.Sample{Name: d.Name + " with an address that is taken", Data: page, Staff: true, Errors: []ui.FieldError{{Field: "email", Key: "staff.email_taken"}}, Status: 422})
		}
	}
	return all
}
