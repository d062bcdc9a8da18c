package admin

import (
	"net/http"

	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

const samplePlatform = "https://linde.example.net/"

// samples are the states of the page; for a professional it has no menu.
func (ReferralPage) samples() []ui.Sample {
	page := ReferralPage{
		Chrome: Chrome{HomeURL: samplePlatform}, Action: ReferralPath("x"), Name: sampleAnna.Name, Email: "anna@example.org",
		Reason: staff.LostPhone.TextKey(), Back: samplePlatform, Questions: []Question{identifying("")},
	}
	long, helper := page, page
	long.Name, long.Email = "", "anna.van.der.berg-bakker@een-heel-lang-adres.example.org"
	helper.Chrome = sampleChrome("")
	return []ui.Sample{
		{Name: "professional", Data: page, Staff: true},
		{Name: "no name", Data: long, Staff: true},
		{Name: "helper", Data: helper, Staff: true},
		{
			Name: "nothing said", Data: page, Staff: true, Status: http.StatusUnprocessableEntity,
			Errors: []ui.FieldError{{Field: "identified", Key: "staff.identified_missing"}},
		},
	}
}

// samples are the states of the page.
func (ReferralEndPage) samples() (all []ui.Sample) {
	add := func(text string, status int) {
		page := endOf(text)
		page.HomeURL, page.Back = samplePlatform, samplePlatform
		if page.Done {
			page.Name = sampleAnna.Name
		}
		all = append(all, ui.Sample{Name: text, Data: page, Staff: true, Status: status})
	}
	add(ended, 0)
	add("used", http.StatusGone)
	for _, end := range ends {
		add(end.text, end.status)
	}
	return all
}
