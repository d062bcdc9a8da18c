package web

import "net/http"

// Guard calls a handler unless a check says why it must not be called.
func Guard(check func() error, h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := check(); err != nil {
			return err
		}
		return h(w, r)
	}
}
