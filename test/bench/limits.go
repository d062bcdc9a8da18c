package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"time"

	loginpassword "github.com/minddistrict/idp/login/password"
)

// limit is what no provider can avoid, in CPU seconds per 1,000.
type limit struct {
	Hash      float64 // checking one password
	Signature float64 // RS256 with 2,048 bits
}

// limits measures them in this process and prints them; `bench run` starts it on the core of the servers.
func limits(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("limits", flag.ExitOnError)
	lasts := flags.Duration("d", time.Second, "time per figure")
	_ = flags.Parse(args) // exits on a mistake
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	pool := loginpassword.NewPool(1, 1, loginpassword.DefaultParams)
	stored, err := pool.Hash(ctx, password)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(stored))
	var l limit
	if l.Hash, err = costOf(*lasts, func() error { _, err := pool.Verify(ctx, password, stored); return err }); err != nil {
		return err
	}
	if l.Signature, err = costOf(*lasts, func() error {
		_, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		return err
	}); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(l)
}

// costOf is the CPU time of one call in milliseconds, which is seconds per 1,000.
func costOf(lasts time.Duration, work func() error) (float64, error) {
	if err := work(); err != nil {
		return 0, err
	}
	from, n := ownCPU(), 0.0
	for end := now().Add(lasts); now().Before(end); n++ {
		if err := work(); err != nil {
			return 0, err
		}
	}
	return (ownCPU() - from) * 1000 / n, nil
}

// limitsOn measures the limits in a process of its own.
func limitsOn(ctx context.Context, cpus string) (l limit, err error) {
	self, err := os.Executable()
	if err != nil {
		return l, err
	}
	out, err := exec.CommandContext(ctx, "taskset", "-c", cpus, self, "limits").Output()
	if err == nil {
		err = json.Unmarshal(out, &l)
	}
	return l, err
}
