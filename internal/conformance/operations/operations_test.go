package operations

import (
	"os"
	"strings"
	"testing"

	"drawbridge/internal/awssim"
)

var describeVPCs = awssim.Operation{Service: "ec2", Name: "DescribeVpcs"}

// A table that a client has written anew says what it called, and keeps the
// text around it and the other clients' columns.
func TestPage(t *testing.T) {
	t.Parallel()
	p, err := read("before\n\n" + heading + " AWS CLI | boto3 | Go SDK | Terraform | panel |\n|---|---|---|---|---|---|---|\n" +
		"| ec2 | DescribeVpcs |  | yes |  |  |  |\n| ec2 | Gone | yes |  |  |  |  |\n\nafter\n")
	if err != nil {
		t.Fatal(err)
	}
	called := map[awssim.Operation]bool{describeVPCs: true}
	wrong := strings.Join(p.differences("panel", called), "\n")
	for _, want := range []string{"ec2 DescribeVpcs: panel called it: true", "ec2 Gone has a row and is not served", "ec2 RunInstances is served and has no row"} {
		if !strings.Contains(wrong, want) {
			t.Errorf("%q is not in\n%s", want, wrong)
		}
	}
	p.set("panel", called)
	text := p.String()
	if !strings.HasPrefix(text, "before\n\n|") || !strings.HasSuffix(text, "|\n\nafter\n") || !strings.Contains(text, "\n| ec2 | DescribeVpcs |  | yes |  |  | yes |\n") || strings.Contains(text, "Gone") {
		t.Errorf("written:\n%s", text)
	}
	if p, err = read(text); err != nil || len(p.differences("panel", called)) != 0 {
		t.Errorf("read again: %v %v", p.differences("panel", called), err)
	}
	if p.set("panel", nil); p.cells[describeVPCs]["panel"] || !p.cells[describeVPCs]["boto3"] {
		t.Error("another column was changed, or this was not")
	}
}

// What a test would write without a change is the document as it is, to the byte.
func TestPage_Document(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	p, err := read(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	if p.String() != string(raw) {
		t.Error("docs/simulator.md is not as its table would be written: run make operations")
	}
}

func TestPage_Unreadable(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"no table", heading + "\n|---|\n| ec2 | DescribeVpcs |\n"} {
		if _, err := read(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
