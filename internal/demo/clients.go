package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// referScope lets the server of a platform send its therapists to us, to help a client.
const referScope = "accounts:refer"

// lost are the words that say why, and what the page calls them.
var lost = []reason{
	{"lost-phone", "The phone is lost or broken"}, {"new-phone", "There is a new phone"}, {"lost-codes", "The recovery codes are lost"},
}

type reason struct{ Word, Text string }

// clientPage is what a platform shows a therapist of one client.
type clientPage struct {
	Platform Platform
	Notice   notice
	Client   Account
	Second   string // how the client proves the second step; empty: not set up
	Reasons  []reason
}

// clients are those of whoever is signed in at a site: a platform knows who treats whom. Here every therapist treats
// everybody.
func (s *Site) clients(p Platform, v *visitor) (clients []Account) {
	if !p.Refers || s.therapist(p, v) == "" {
		return nil
	}
	for _, a := range s.Accounts {
		if a.At == p.Name && (a.Role == "" || a.Role == "client") && a.Password != "" {
			clients = append(clients, a)
		}
	}
	return clients
}

// therapist is the `sub` of whoever is signed in at a site and treats people there; "": nobody.
func (s *Site) therapist(p Platform, v *visitor) string {
	here, ok := v.signed[p.Name]
	if !ok {
		return ""
	}
	var c struct{ Sub, Email string }
	_ = json.Unmarshal(here.info, &c) // userinfo was read before
	if slices.ContainsFunc(s.Accounts, func(a Account) bool {
		return a.At == p.Name && a.Email == c.Email && a.Role == "professional"
	}) {
		return c.Sub
	}
	return ""
}

// client finds the client that an address of a site names, of whoever is signed in there.
func (s *Site) client(r *http.Request, p Platform, v *visitor) (Account, error) {
	clients := s.clients(p, v)
	i := slices.IndexFunc(clients, func(a Account) bool { return a.Email == r.PathValue("email") })
	if i < 0 {
		return Account{}, errors.New("log in as a therapist to see your clients")
	}
	return clients[i], nil
}

// details are a client's, with the button that this is about.
func (s *Site) details(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	a, err := s.client(r, p, v)
	if err != nil {
		return err
	}
	page := clientPage{Platform: p, Notice: v.notice, Client: a, Reasons: lost}
	v.notice = notice{}
	switch {
	case a.TOTPSecret != "":
		page.Second = "an authenticator app"
	case a.Phone != "":
		page.Second = "codes by text message"
	}
	s.show(w, "client", page)
	return nil
}

// refer asks the provider, as the platform's own server, to let the therapist help this one client, and leads the
// browser to the address that it answers.
func (s *Site) refer(w http.ResponseWriter, r *http.Request, p Platform, v *visitor) error {
	a, err := s.client(r, p, v)
	if err != nil {
		return err
	}
	address, err := s.referral(r.Context(), p, map[string]string{
		"actor": s.therapist(p, v), "subject": s.subject(r.Context(), a), "act": "reset_two_step", "reason": r.FormValue("reason"),
	})
	if err != nil {
		v.notice = notice{Text: err.Error(), Warning: true}
		address = "/" + p.Name + "/clients/" + a.Email
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// subject is what the platform knows a person by.
func (s *Site) subject(ctx context.Context, a Account) string {
	if s.Subject == nil {
		return ""
	}
	sub, err := s.Subject(ctx, a.On, a.Email)
	if err != nil {
		return ""
	}
	return sub
}

// referral is POST /api/v1/referrals, with a token of the platform itself.
func (s *Site) referral(ctx context.Context, p Platform, body map[string]string) (address string, err error) {
	own := clientcredentials.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, TokenURL: p.Issuer + "/token", Scopes: []string{referScope},
		AuthStyle: oauth2.AuthStyleInHeader,
	}
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Issuer+"/api/v1/referrals", bytes.NewReader(text))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := own.Client(ctx).Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for a referral: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // it is read
	var answer struct{ URL, Title, Detail, Reference string }
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&answer); err != nil {
		return "", fmt.Errorf("reading the referral: %w", err)
	}
	if res.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("the provider says: %s. %s (reference %s)", answer.Title, answer.Detail, answer.Reference)
	}
	return answer.URL, nil
}
