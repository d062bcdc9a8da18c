package idptest

import (
	"context"

	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/platform"
)

// Another is another house on the same database at the same time, with other options.
func (s *Server) Another(change func(*wire.Options)) *wire.House {
	s.t.Helper()
	o := s.House.Options
	change(&o)
	house, err := wire.Build(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	return house
}

// Subjects finds the subject of an address, as the pages of the demo do.
func Subjects(house *wire.House) func(ctx context.Context, on, email string) (string, error) {
	return func(ctx context.Context, on, email string) (string, error) {
		a, err := house.DB.AccountByEmail(ctx, platform.ID(on), email)
		if err != nil {
			return "", err
		}
		return string(a.ID), nil
	}
}
