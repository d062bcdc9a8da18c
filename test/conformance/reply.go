package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// userAgent is how requests of the suite are known in a log.
const userAgent = "conformance"

// longestBody bounds what is read of an answer.
const longestBody = 1 << 20

// reply is an HTTP answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func roundTrip(over http.RoundTripper, req *http.Request) (*reply, error) {
	res, err := over.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, longestBody))
	if err != nil {
		return nil, fmt.Errorf("reading answer of %s: %w", req.URL.Path, err)
	}
	return &reply{res.StatusCode, res.Header, body}, nil
}

// kind is the content type without its parameters.
func (a *reply) kind() string {
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// object reads a JSON object. Numbers stay as they were written.
func object(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if _, err := d.Token(); o == nil || !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("not one JSON object: %.80s", text)
	}
	return o, nil
}

// text is a member that is a string; anything else is empty.
func text(o map[string]any, name string) string {
	s, _ := o[name].(string)
	return s
}

// number is a member that is a whole number.
func number(o map[string]any, name string) (int64, bool) {
	n, ok := o[name].(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}
