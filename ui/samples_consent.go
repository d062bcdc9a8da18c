package ui

import "time"

// sampleAsked is all that a party can ask, in order.
var sampleAsked = RequestedAccess{
	Reads: []RequestedScope{
		{Key: "consent.scope_profile"}, {Key: "consent.scope_email"}, {Key: "consent.scope_phone"}, {Key: "consent.scope_address"},
		{Key: "consent.scope_role"}, {Key: "consent.scope_openid"}, {Key: "consent.scope_other", Name: "mood.read"},
	},
	Writes: []RequestedScope{
		{Key: "consent.scope_other", Name: "journal.write", Texts: map[string]string{"nl": "Schrijven in je dagboek", "en": "Writing in your journal"}},
	},
	Offline: true,
}

// Samples are the states of the page that asks for consent.
func (ConsentPage) Samples() []Sample {
	page := ConsentPage{Action: sampleAction, Email: sampleEmail, Party: "Dagboek van Anders", Asked: sampleAsked}
	everything, little, writes := page, page, page
	everything.PolicyURI, everything.TermsURI = "https://dagboek.example.net/privacy", "https://dagboek.example.net/voorwaarden"
	little.Asked = RequestedAccess{Reads: sampleAsked.Reads[5:6]}
	writes.Asked = RequestedAccess{Writes: sampleAsked.Writes}
	return []Sample{{Name: "everything", Data: everything}, {Name: "little", Data: little}, {Name: "only writing", Data: writes}}
}

// Samples are the states of the page that lists consents.
func (ConsentsPage) Samples() []Sample {
	none := ConsentsPage{BackURL: sampleSettings, HomeURL: sampleHome}
	page, stopped := none, none
	page.Given = []Given{
		{Party: "Dagboek van Anders", Asked: sampleAsked, At: sampleNoon, URL: sampleSettings + "/consents/anders"},
		{Party: "Slaapdagboek", Asked: RequestedAccess{Reads: sampleAsked.Reads[5:6]}, At: sampleNoon.Add(-900 * time.Hour), URL: sampleSettings + "/consents/slaap"},
	}
	stopped.Notice = "consents.stopped"
	return []Sample{{Name: "two", Data: page}, {Name: "none", Data: none}, {Name: "stopped", Data: stopped}}
}

// Samples are the states of the page that asks before a consent is taken back.
func (WithdrawPage) Samples() []Sample {
	return []Sample{{Name: "plain", Data: WithdrawPage{
		Action: sampleSettings + "/consents/anders", Party: "Dagboek van Anders", BackURL: sampleSettings + "/consents", HomeURL: sampleHome,
	}}}
}
