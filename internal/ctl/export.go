package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

type exportCmd struct {
	Backend string `arg:"" help:"Name or id."`
}

// Run writes a backend as a file that apply takes and finds nothing to do for.
func (e *exportCmd) Run(ctx context.Context, c *Cmd) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	b, err := s.backend(ctx, e.Backend)
	if err != nil {
		return err
	}
	var whole struct {
		Name            string          `json:"name"`
		TeamID          string          `json:"team_id"`
		EnvironmentName string          `json:"environment_name"`
		Spec            json.RawMessage `json:"spec"`
	}
	if err := s.call(ctx, "GET", "/backends/"+b.ID, nil, &whole); err != nil {
		return err
	}
	team, err := s.team(ctx, whole.TeamID)
	if err != nil {
		return err
	}
	if s.json {
		return s.show(map[string]any{"team": team.Name, "name": whole.Name, "environment": whole.EnvironmentName, "spec": whole.Spec}, nil)
	}
	spec, err := yamlOf(json.NewDecoder(bytes.NewReader(whole.Spec)))
	if err != nil {
		return err
	}
	root := &yaml.Node{Kind: yaml.MappingNode, HeadComment: "# yaml-language-server: $schema=" + s.base + "/schemas/backend.json"}
	for _, f := range []struct {
		name  string
		value *yaml.Node
	}{{"team", scalar(team.Name)}, {"name", scalar(whole.Name)}, {"environment", scalar(whole.EnvironmentName)}, {"spec", spec}} {
		root.Content = append(root.Content, scalar(f.name), f.value)
	}
	return writeYAML(s.out, root)
}

func writeYAML(out io.Writer, root *yaml.Node) error {
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	return enc.Close()
}

// scalar is text, in quotes where YAML would take it for something else.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
}

// yamlOf is the next JSON value as YAML, its fields in their order.
func yamlOf(dec *json.Decoder) (*yaml.Node, error) {
	dec.UseNumber()
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("read a spec: %w", err)
	}
	switch v := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if v == '{' {
			n.Kind = yaml.MappingNode
		}
		for dec.More() { // of an object: name and value in turn
			inner, err := yamlOf(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, inner)
		}
		_, err := dec.Token() // the closing one
		return n, err
	case string:
		return scalar(v), nil
	default:
		n := &yaml.Node{}
		if number, ok := v.(json.Number); ok {
			n.Kind, n.Value = yaml.ScalarNode, number.String()
			return n, nil
		}
		return n, n.Encode(v)
	}
}
