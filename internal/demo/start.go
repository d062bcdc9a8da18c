package demo

import (
	"net/http"
	"net/url"
	"strings"
)

// startPage is the page at which everybody begins.
type startPage struct {
	Platforms      []Platform
	Accounts       []Account
	Authenticators []authenticator
	Groups         []group
}

// group is some things to try that belong together.
type group struct {
	Title string
	Tries []try
}

// try is one thing to try: a link that starts it, and what to do then.
type try struct{ ID, Title, URL, Text string }

func (s *Site) start(w http.ResponseWriter, _ *http.Request) {
	apps, err := s.authenticators()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.show(w, "start", startPage{s.order, s.Accounts, apps, s.tries()})
}

// strong is the acr of two kinds of proof.
const strong = "urn:minddistrict:acr:2fa"

// tries are what can be seen in an afternoon. They name accounts of house.yaml; whoever is signed in as another one is
// asked which it shall be.
func (s *Site) tries() []group {
	from := func(site string, pairs ...string) string {
		q := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return strings.TrimSuffix("/"+site+"/login?"+q.Encode(), "?")
	}
	as := func(who string, pairs ...string) string {
		return from("linde", append(pairs, "prompt", "select_account", "login_hint", who)...)
	}
	linde := s.platforms["linde"].Issuer
	wrong := url.Values{
		"client_id": {"linde-web"}, "response_type": {"code"}, "redirect_uri": {"https://elsewhere.example/callback"},
	}
	return []group{
		{"Getting in", []try{
			{"login", "Log in", as("anna@example.org"),
				"As anna@example.org. Two fields and a button, also without script, on a phone and by keyboard."},
			{"english", "The same in English", from("linde", "ui_locales", "en"),
				"A platform can name languages. People can choose for themselves on every page."},
			{"forgot", "A forgotten password", linde + "/forgot",
				"Ask for a mail as anna@example.org, open it in the outbox, and end signed in."},
			{"welcome", "A first password", "/dev/outbox",
				"Nina was invited. Her welcome mail is in the outbox; its button works once."},
			{"phone", "The app on a phone", "/linde/phone",
				"A phone to hold beside the website: log in by e-mail or QR code, choose a PIN, get it wrong, lose the phone."},
		}},
		{"Two steps", []try{
			{"step-up", "A stronger login", as("eva@example.org", "acr_values", strong),
				"The platform asks for two kinds of proof. Eva's app is on this page: you need no phone."},
			{"app", "Set up an app", as("anna@example.org", "acr_values", strong),
				"Anna has no second step yet. Asked for one, she sets it up: scan the code with your own phone."},
			{"message", "A code by text message", as("tim@example.org"),
				"Tim gets his codes by text message. It arrives in the outbox."},
			{"lost", "A lost phone", as("eva@example.org"),
				"Log in as Eva and say that you have no phone. One of her recovery codes lets you in."},
		}},
		{"What a platform can ask", []try{
			{"again", "Log in once more", from("linde", "prompt", "login"),
				"prompt=login: although somebody is signed in, they prove who they are anew."},
			{"another", "Another account", from("linde", "prompt", "select_account"),
				"prompt=select_account: go on as who you are, or as somebody else."},
			{"silent", "Is anybody there?", from("linde", "prompt", "none"),
				"prompt=none: no page is shown. Tokens if somebody is signed in, login_required if not."},
			{"recent", "A minute ago at most", from("linde", "max_age", "60"),
				"max_age=60: whoever proved it longer ago does it again."},
		}},
		{"Further on", []try{
			{"consent", "Somebody else's site", from("dagboek"),
				"A diary that is not the platform's own. The person is told what it wants and decides."},
			{"path", "A platform on a path", from("wilg"),
				"Praktijk De Wilg shares the host and has nothing else in common: issuer, keys, accounts, looks."},
			{"settings", "Login and security", linde + "/settings",
				"Password, second step, devices, language and past logins, as people see them."},
			{"mistake", "A wrong request", linde + "/authorize?" + wrong.Encode(),
				"A redirect_uri that nobody registered. The page helps the person; its number is in the log."},
		}},
	}
}
