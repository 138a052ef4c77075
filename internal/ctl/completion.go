package ctl

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script. It is written from the commands themselves, so it
// knows each of them and asks the panel nothing.
func (c *completionCmd) Run(app *kong.Kong) error {
	words := completions(app.Model.Node, app.Model.Name)
	switch c.Shell {
	case "fish":
		return fishCompletion(os.Stdout, words)
	case "zsh":
		fmt.Println("autoload -U +X bashcompinit && bashcompinit")
	}
	return bashCompletion(os.Stdout, words)
}

// place is a command with what may follow it.
type place struct {
	path  string // as typed, without the program
	words []string
}

// completions lists the commands below n, and their flags, from the root on.
func completions(n *kong.Node, program string) []place {
	p := place{path: strings.TrimSpace(strings.TrimPrefix(n.FullPath(), program))}
	for _, child := range n.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			p.words = append(p.words, child.Name)
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			p.words = append(p.words, "--"+f.Name)
		}
	}
	out := []place{p}
	for _, child := range n.Children {
		if child.Type == kong.CommandNode {
			out = append(out, completions(child, program)...)
		}
	}
	return out
}

// bashCompletion finds the longest run of words that is a command. Both the
// name of the program and that of its folder in the sources are known.
func bashCompletion(w io.Writer, places []place) error {
	var b strings.Builder
	b.WriteString("_drawbridge() {\n  local at=\"\" word words=\"\"\n")
	b.WriteString("  for word in \"${COMP_WORDS[@]:1:$((COMP_CWORD-1))}\"; do\n    case \"$word\" in -*) ;; *) at=\"${at:+$at }$word\" ;; esac\n  done\n")
	b.WriteString("  while :; do\n    case \"$at\" in\n")
	for _, p := range places {
		fmt.Fprintf(&b, "      %q) words=%q; break ;;\n", p.path, strings.Join(p.words, " "))
	}
	b.WriteString("    esac\n    case \"$at\" in *\" \"*) at=\"${at% *}\" ;; *) at=\"\" ;; esac\n  done\n")
	b.WriteString("  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n")
	b.WriteString("complete -o default -F _drawbridge drawbridge server\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// fishCompletion does the same: what follows a command is no longer part of it.
func fishCompletion(w io.Writer, places []place) error {
	var b strings.Builder
	b.WriteString("set -g __drawbridge_places")
	for _, p := range places {
		fmt.Fprintf(&b, " '%s'", p.path)
	}
	b.WriteString("\nfunction __drawbridge_at\n  set -l path\n  for word in (commandline -opc)[2..-1]\n    string match -q -- '-*' $word; or set -a path $word\n  end\n")
	b.WriteString("  while not contains -- \"$path\" $__drawbridge_places\n    set -e path[-1]\n  end\n  test \"$path\" = \"$argv[1]\"\nend\n")
	for _, p := range places {
		for _, program := range []string{"drawbridge", "server"} {
			fmt.Fprintf(&b, "complete -c %s -n \"__drawbridge_at '%s'\" -a '%s'\n", program, p.path, strings.Join(p.words, " "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
