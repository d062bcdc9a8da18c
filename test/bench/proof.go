package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/internal/secret"
)

// signer is a key of a party (ES256), and what the party signs with it: client assertions and DPoP proofs. What that costs
// is the generator's, like all that it does.
type signer struct {
	key *ecdsa.PrivateKey
	jwk string // the public key
}

func newSigner() (*signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	jwk, err := jose.JSONWebKey{Key: key.Public(), KeyID: "k1", Use: "sig", Algorithm: "ES256"}.MarshalJSON()
	return &signer{key, string(jwk)}, err
}

// assertion proves a party to an issuer (RFC 7523 section 3).
func (s *signer) assertion(party, issuer string) (string, error) {
	at := now().Unix()
	return s.sign(`{"alg":"ES256","kid":"k1"}`, map[string]any{
		"iss": party, "sub": party, "aud": issuer, "jti": secret.ID(), "iat": at, "exp": at + 60,
	})
}

// proof is one for a request (RFC 9449 section 4.2); with an access token one for that token.
func (s *signer) proof(method string, u *url.URL, token string) (string, error) {
	claims := map[string]any{"jti": secret.ID(), "htm": method, "htu": u.Scheme + "://" + u.Host + u.Path, "iat": now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return s.sign(`{"typ":"dpop+jwt","alg":"ES256","jwk":`+s.jwk+`}`, claims)
}

func (s *signer) sign(header string, claims map[string]any) (string, error) {
	text, _ := json.Marshal(claims) // texts and numbers: cannot fail
	return signES256(s.key, base64.RawURLEncoding.EncodeToString([]byte(header)), text)
}

// signES256 is a compact JWT (RFC 7515 section 7.1, RFC 7518 section 3.4).
func signES256(key *ecdsa.PrivateKey, header string, claims []byte) (string, error) {
	text := header + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}

// send makes a request with what the party shows there: its assertion or secret where it proves itself, the access token
// where one is given, and a proof of its key where it has one. Signing does not count as waiting for the answer.
func (w *worker) send(method string, to *url.URL, token string, form url.Values) (r *response, err error) {
	began, authorization := now(), w.party.basic()
	switch {
	case token != "" && w.party.proves != nil:
		authorization = "DPoP " + token
	case token != "":
		authorization = "Bearer " + token
	case w.party.signs != nil:
		authorization = ""
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		var assertion string
		assertion, err = w.party.signs.assertion(w.party.ID, w.Issuer)
		form.Set("client_assertion", assertion)
	}
	if err == nil && w.party.proves != nil && to != w.introspect {
		w.proof, err = w.party.proves.proof(method, to, token)
	}
	if err != nil {
		return nil, err
	}
	w.signing += now().Sub(began)
	r, err = w.do(method, to, authorization, form)
	w.proof = ""
	return r, err
}

// push sends an authorization request before the browser goes (RFC 9126), and returns what the browser is sent with.
func (w *worker) push(request url.Values) (url.Values, error) {
	r, err := w.send("POST", w.pushed, "", request)
	if err != nil {
		return nil, err
	}
	var answer struct {
		RequestURI string `json:"request_uri"`
	}
	if err := json.Unmarshal(r.body, &answer); err != nil || r.status != 201 || answer.RequestURI == "" {
		return nil, fmt.Errorf("pushing: status %d: %s", r.status, clip(r.body))
	}
	return url.Values{"client_id": {w.party.ID}, "request_uri": {answer.RequestURI}}, nil
}
