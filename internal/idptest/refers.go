package idptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/minddistrict/idp/notify"
)

// referring is what a party is declared with whose server refers professionals.
const referring = `
        grant_types: [authorization_code, refresh_token, client_credentials]
        scopes: [openid, profile, email, offline_access, accounts:refer]`

// refers is what the server of linde does for a professional who presses its button; the address that it gets takes the
// place of a mail's link.
func (s *script) refers(rest string) error {
	words := append(strings.Fields(rest), "lost-phone")
	if len(words) < 3 {
		return fmt.Errorf("refers WHO ADDRESS [WHY]")
	}
	body := map[string]string{"act": "reset_two_step", "reason": words[2]}
	for member, address := range map[string]string{"actor": words[0], "subject": words[1]} {
		a, err := s.server.DB.AccountByEmail(s.t.Context(), "linde", address)
		if err != nil {
			return err
		}
		body[member] = string(a.ID)
	}
	party := s.parties["linde/web"]
	ctx := party.context(s.t.Context())
	own := clientcredentials.Config{
		ClientID: party.config.ClientID, ClientSecret: party.config.ClientSecret, TokenURL: party.Issuer + "/token",
		Scopes: []string{"accounts:refer"}, AuthStyle: oauth2.AuthStyleInHeader,
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, party.Issuer+"/api/v1/referrals", bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := own.Client(ctx).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it is read
	var answer struct{ URL, Code string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("%d %s", res.StatusCode, answer.Code)
	}
	s.letter = notify.Mail{Link: answer.URL}
	return nil
}
