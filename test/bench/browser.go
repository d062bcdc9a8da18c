package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// requestTimeout bounds every single request.
const requestTimeout = 15 * time.Second

// browser is one worker's HTTP/1.1 client: one kept-alive connection, no goroutines, and cookies by name only, because it
// speaks to one origin. That way the generator takes as little CPU as it can. It dials loopback addresses only.
type browser struct {
	cookies map[string]string
	conn    net.Conn
	in      *bufio.Reader
	out     bytes.Buffer
	used    bool   // the connection has answered before
	from    string // where a server that trusts us is told it comes from; empty: nothing is told
	proof   string // DPoP proof of the next request; empty: none
}

type response struct {
	status int
	header http.Header
	body   []byte
}

func newBrowser() *browser { return &browser{cookies: map[string]string{}} }

func (b *browser) close() {
	if b.conn != nil {
		_ = b.conn.Close() // nothing is left to read
		b.conn, b.used = nil, false
	}
}

func (b *browser) dial(u *url.URL) error {
	host := u.Hostname()
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() || u.Scheme != "http" {
		return fmt.Errorf("%s is not http on a loopback address", u)
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, u.Port()), 5*time.Second)
	if err == nil {
		b.conn, b.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	return err
}

// do sends one request and reads its whole answer. A kept-alive connection that the server closed before answering a
// byte is replaced once. form is the body of a POST.
func (b *browser) do(method string, u *url.URL, authorization string, form url.Values) (*response, error) {
	b.write(method, u, authorization, form)
	for {
		if b.conn == nil {
			if err := b.dial(u); err != nil {
				return nil, err
			}
		}
		again := b.used
		r, err := b.exchange(method)
		if err == nil {
			b.used = true
			return r, nil
		}
		b.close()
		if !again || !errors.Is(err, errClosed) {
			return nil, err
		}
	}
}

func (b *browser) write(method string, u *url.URL, authorization string, form url.Values) {
	o := &b.out
	o.Reset()
	o.WriteString(method + " " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: bench\r\nAccept: */*\r\n")
	if authorization != "" {
		o.WriteString("Authorization: " + authorization + "\r\n")
	}
	if b.proof != "" {
		o.WriteString("DPoP: " + b.proof + "\r\n")
	}
	if b.from != "" {
		o.WriteString("X-Forwarded-For: " + b.from + "\r\n")
	}
	for name, value := range b.cookies {
		o.WriteString("Cookie: " + name + "=" + value + "\r\n")
	}
	body := form.Encode()
	if method == http.MethodPost {
		fmt.Fprintf(o, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(body))
	}
	o.WriteString("\r\n" + body)
}

var errClosed = errors.New("connection closed before an answer")

func (b *browser) exchange(method string) (*response, error) {
	if err := b.conn.SetDeadline(now().Add(requestTimeout)); err != nil {
		return nil, err
	}
	if _, err := b.conn.Write(b.out.Bytes()); err != nil {
		return nil, fmt.Errorf("%w: %w", errClosed, err)
	}
	if _, err := b.in.Peek(1); err != nil {
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errClosed, err)
	}
	res, err := http.ReadResponse(b.in, &http.Request{Method: method})
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 || c.Value == "" {
			delete(b.cookies, c.Name)
		}
	}
	if res.Close {
		b.close()
	}
	return &response{status: res.StatusCode, header: res.Header, body: body}, nil
}
