package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/minddistrict/idp/internal/secret"
)

// ceiling is the name of what hello serves in tables.
const ceiling = "ceiling"

// opaque is the token of the ceiling that is not signed.
const opaque = "opaque"

// hello serves the ceiling: plain net/http with documents held as bytes, and a token endpoint that checks a hashed secret
// and signs one JWT with the algorithm that the party is named after. No log, no database, no checks. It is no provider;
// none on net/http can be cheaper than it.
func hello(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("hello", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:0", "address")
	_ = flags.Parse(args) // exits on a mistake
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	h, err := helloHandler("http://"+l.Addr().String(), os.Getenv("HELLO_SECRET"))
	if err != nil {
		return err
	}
	s := http.Server{Handler: h}
	context.AfterFunc(ctx, func() { _ = s.Close() }) // the process ends
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func helloHandler(issuer, password string) (http.Handler, error) {
	signers, err := helloSigners()
	if err != nil {
		return nil, err
	}
	discovery, _ := json.Marshal(map[string]any{ // strings only: cannot fail
		"issuer": issuer, "jwks_uri": issuer + "/jwks", "token_endpoint": issuer + "/token",
		"padding": make([]byte, 1400), // to about the size of a real document
	})
	jwks, _ := json.Marshal(map[string]any{"keys": []any{}, "padding": make([]byte, 700)})
	document := func(body []byte) http.HandlerFunc {
		length := []string{strconv.Itoa(len(body))}
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"], w.Header()["Content-Length"] = []string{"application/json"}, length
			_, _ = w.Write(body) // the caller is gone: nothing to do about it
		}
	}
	hash := secret.Hash(password)
	mux := http.NewServeMux()
	mux.Handle("GET /.well-known/openid-configuration", document(discovery))
	mux.Handle("GET /jwks", document(jwks))
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		id, presented, _ := r.BasicAuth()
		sign := signers[id]
		if sign == nil || !secret.Equal(secret.Hash(presented), hash) || r.PostFormValue("grant_type") != "client_credentials" {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		at := now().Unix()
		token, err := sign(fmt.Appendf(nil, `{"iss":%q,"sub":%q,"aud":%q,"client_id":%q,"iat":%d,"exp":%d,"jti":%q,"scope":%q}`,
			issuer, id, issuer, id, at, at+3600, secret.ID(), r.PostFormValue("scope")))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header()["Content-Type"], w.Header()["Cache-Control"] = []string{"application/json"}, []string{"no-store"}
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token) // as above
	})
	return mux, nil
}

// helloSigners makes a key and a signing function for each algorithm.
func helloSigners() (map[string]func([]byte) (string, error), error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	header := func(alg string) string {
		return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":%q,"typ":"at+jwt","kid":"k1"}`, alg))
	}
	es256, rs256 := header("ES256"), header("RS256")
	return map[string]func([]byte) (string, error){
		opaque: func([]byte) (string, error) { return secret.Token(), nil },
		"RS256": func(claims []byte) (string, error) {
			text := rs256 + "." + base64.RawURLEncoding.EncodeToString(claims)
			sum := sha256.Sum256([]byte(text))
			signature, err := rsa.SignPKCS1v15(rand.Reader, rsaKey, crypto.SHA256, sum[:])
			return text + "." + base64.RawURLEncoding.EncodeToString(signature), err
		},
		"ES256": func(claims []byte) (string, error) { return signES256(ecKey, es256, claims) },
	}, nil
}
