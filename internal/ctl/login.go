package ctl

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

// login is what is remembered between commands.
type login struct {
	URL    string `json:"url"`
	Token  string `json:"token"`
	CACert string `json:"ca_cert,omitempty"` // whole path
}

type loginCmd struct{}

// Run asks for the token unless it was given, tries it, and saves it where
// only this user can read it.
func (loginCmd) Run(ctx context.Context, c *Cmd) error {
	if c.URL == "" {
		return errors.New("name the panel: ctl login --url https://panel.example.com")
	}
	l := login{URL: strings.TrimRight(c.URL, "/"), Token: c.Token}
	if c.CACert != "" {
		var err error
		if l.CACert, err = filepath.Abs(c.CACert); err != nil {
			return fmt.Errorf("find the authority's certificate: %w", err)
		}
	}
	if l.Token == "" {
		var err error
		if l.Token, err = readToken(); err != nil {
			return err
		}
	}
	cl, err := newClient(l)
	if err != nil {
		return err
	}
	if err := cl.call(ctx, "GET", "/teams", nil, &list[struct{}]{}); err != nil {
		return err
	}
	path, err := save(l)
	if err != nil {
		return err
	}
	fmt.Printf("Signed in to %s. The token is in %s.\n", l.URL, path)
	return nil
}

// readToken reads one line from standard input, unseen on a terminal.
func readToken() (string, error) {
	fd := int(os.Stdin.Fd())
	if term.IsTerminal(fd) {
		fmt.Fprint(os.Stderr, "API token: ")
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(os.Stderr)
		return strings.TrimSpace(string(b)), err
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", fmt.Errorf("read the token from standard input: %w", err)
	}
	return line, nil
}

// login is that of flags and environment; what they leave out is as saved. A
// saved token goes to the panel that it was saved for, and to no other.
func (c *Cmd) login() (login, error) {
	saved, err := load()
	if err != nil {
		return login{}, err
	}
	l := login{URL: strings.TrimRight(cmp.Or(c.URL, saved.URL), "/"), Token: c.Token, CACert: c.CACert}
	if l.URL == saved.URL {
		l.Token, l.CACert = cmp.Or(l.Token, saved.Token), cmp.Or(l.CACert, saved.CACert)
	}
	switch {
	case l.URL == "":
		return l, errors.New("no panel is named; run ctl login --url URL, or set DRAWBRIDGE_URL and DRAWBRIDGE_TOKEN")
	case l.Token == "" && workloadToken(l.URL) == nil:
		return l, fmt.Errorf("there is no token for %s; run ctl login --url %[1]s, or set DRAWBRIDGE_TOKEN", l.URL)
	}
	return l, nil
}

func loginFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the folder for settings: %w", err)
	}
	return filepath.Join(dir, "drawbridge", "ctl.json"), nil
}

func load() (login, error) {
	var l login
	path, err := loginFile()
	if err != nil {
		return l, nil // without a home there is no login, and the environment may say all
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &l)
	}
	if err != nil {
		return l, fmt.Errorf("read the login in %s: %w", path, err)
	}
	return l, nil
}

// save replaces the file in one step, so that it is never readable by others
// and never half-written.
func save(l login) (string, error) {
	path, err := loginFile()
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("save the login: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("save the login: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ctl-*") // 0600
	if err != nil {
		return "", fmt.Errorf("save the login: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("save the login: %w", err)
	}
	return path, os.Rename(f.Name(), path)
}
