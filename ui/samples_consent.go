package ui

// sampleAsked is all that a party can ask, in order.
var sampleAsked = Asked{
	Reads: []AskedScope{
		{Key: "consent.scope_profile"}, {Key: "consent.scope_email"}, {Key: "consent.scope_phone"}, {Key: "consent.scope_address"},
		{Key: "consent.scope_openid"}, {Key: "consent.scope_other", Name: "mood.read"},
	},
	Writes: []AskedScope{
		{Key: "consent.scope_other", Name: "journal.write", Texts: map[string]string{"nl": "Schrijven in je dagboek", "en": "Writing in your journal"}},
	},
	Offline: true,
}

// Samples are the states of the page that asks for consent.
func (ConsentPage) Samples() []Sample {
	page := ConsentPage{Action: sampleAction, Email: sampleEmail, Party: "Dagboek van Anders", Asked: sampleAsked}
	everything, little, writes := page, page, page
	everything.PolicyURI, everything.TermsURI = "https://dagboek.example.net/privacy", "https://dagboek.example.net/voorwaarden"
	little.Asked = Asked{Reads: sampleAsked.Reads[4:5]}
	writes.Asked = Asked{Writes: sampleAsked.Writes}
	return []Sample{{Name: "everything", Data: everything}, {Name: "little", Data: little}, {Name: "only writing", Data: writes}}
}
