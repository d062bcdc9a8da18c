package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
)

// sitePage is the page of one site.
type sitePage struct {
	Platform Platform
	Look     look
	Notice   notice
	Asks     []ask
	Signed   *signedPage // nil: nobody is signed in
	Clients  []Account   // of a therapist who is
}

// signedPage is what a site shows to whom is signed in: their name, and all that came back.
type signedPage struct {
	Name    string
	Lines   []line
	Tokens  []token
	Refresh bool // there is a refresh token
	Info    string
}

// ask is a parameter of the authorization request, with a button for each value.
type ask struct {
	Name, Text string
	Buttons    []button
}

type button struct{ ID, Value, URL, Text string }

// look is what makes a site look like one of its kind. All of it is made up.
type look struct {
	Welcome string
	Items   []item
}

type item struct{ Kind, Title, Text string }

var looks = map[string]look{
	"linde": {"Your treatment, your messages and your appointments, in one place.", []item{
		{"This week", "Sleeping better", "Step 3 of 6: a fixed time to get up"},
		{"Message", "Joost Vermeer", "How did the walk on Sunday go?"},
		{"Appointment", "Tuesday, 10:00", "Video call, 45 minutes"},
	}},
	"wilg": {"A small practice, close by. Write down how your week went.", []item{
		{"Today", "How are you?", "Four questions, about two minutes"},
		{"Exercise", "Breathing", "Five minutes, with sound"},
	}},
	"dagboek": {"A diary by somebody else. It may look into your account only as far as you allow.", []item{
		{"Yesterday", "A good day", "Walked to the lake and back"},
	}},
}

func (s *Site) home(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	page := sitePage{Platform: p, Look: looks[p.Name], Notice: v.notice, Asks: s.asks(r, p)}
	v.notice, page.Clients = notice{}, s.clients(p, v)
	if here, ok := v.signed[p.Name]; ok {
		page.Signed = &signedPage{
			Name: firstName(here.info), Lines: lines(here.raw, here.token, p, s.Now()), Info: indent(here.info),
			Refresh: here.token.RefreshToken != "",
			Tokens: []token{
				read("id-token", "ID token", here.raw), read("access-token", "Access token", here.token.AccessToken),
			},
		}
	}
	s.show(w, "site", page)
	return nil
}

// firstName is what somebody is greeted by.
func firstName(info []byte) string {
	var c struct {
		Given string `json:"given_name"`
		Name  string `json:"name"`
	}
	_ = json.Unmarshal(info, &c) // userinfo was read before
	if c.Given != "" {
		return c.Given
	}
	return c.Name
}

// asks are a button for each value of acr that the provider advertises, for each prompt, and for what else a request
// may have.
func (s *Site) asks(r *http.Request, p Platform) []ask {
	of := func(name, id, value, text string) button {
		return button{id, value, "/" + p.Name + "/login?" + url.Values{name: {value}}.Encode(), text}
	}
	strength := ask{Name: "acr_values", Text: "How strong the login must be. These are the values that discovery lists."}
	for i, acr := range s.advertised(r, p) {
		words := cmp.Or(strengths[acr], "Another name for one of the others, by which some parties ask.")
		strength.Buttons = append(strength.Buttons, of("acr_values", fmt.Sprintf("acr-%d", i+1), acr, words))
	}
	if strength.Buttons == nil {
		strength.Text = "The provider at " + p.Issuer + " does not say which values it knows: is it running?"
	}
	return []ask{
		strength,
		{"prompt", "What the person gets to see, although they may be signed in.", []button{
			of("prompt", "silent", "none", "No page at all: tokens, or an error."),
			of("prompt", "again", "login", "Prove who you are once more."),
			of("prompt", "select", "select_account", "Go on as this account, or as another."),
			of("prompt", "consent", "consent", "Ask again what this site may do."),
		}},
		{"max_age", "How long ago the last proof may be.", []button{
			of("max_age", "recent", "60", "A minute."),
			of("max_age", "hour", "3600", "An hour."),
		}},
		{"ui_locales", "In which language the pages are.", []button{
			of("ui_locales", "login-nl", "nl", "Dutch."),
			of("ui_locales", "login-en", "en", "English."),
		}},
	}
}

// advertised is acr_values_supported of discovery; none where the provider does not answer.
func (s *Site) advertised(r *http.Request, p Platform) []string {
	ctx, cancel := soon(r)
	defer cancel()
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		return nil
	}
	var c struct {
		ACR []string `json:"acr_values_supported"`
	}
	_ = provider.Claims(&c) // a document that was read before
	return c.ACR
}
