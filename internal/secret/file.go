package secret

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minddistrict/idp/internal/fault"
)

// Private refuses a file with secrets that everybody on the machine may read or write.
func Private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return private(path, info)
}

func private(path string, info os.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o007 != 0 {
		return fmt.Errorf("%w: %s may be used by everybody (mode %04o): chmod 0600, or 0640 with the group of who reads it", fault.Refused, path, mode)
	}
	return nil
}

// Readable tells why a file cannot be read, or that nothing is in it; nil: something can be read.
func Readable(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	_, err = io.CopyN(io.Discard, file, 1)
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s is empty", fault.Invalid, path)
	}
	return err
}

// longestFile bounds a file with secrets, in bytes: the longest is a list of master keys.
const longestFile = 64 << 10

// ReadFile reads a file with secrets. One that everybody on the machine may read or write is refused: the very file
// that is read, whatever takes its name meanwhile. Everything that reads a secret from a file reads it here.
func ReadFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if err := private(path, info); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, longestFile+1))
	if err == nil && len(text) > longestFile {
		err = errors.New(path + ": longer than 64 KiB")
	}
	return string(text), err
}
