package awsapi

import (
	"slices"
	"strings"

	"drawbridge/internal/model"
)

// explanation is one row of the table: what an error means and what helps.
// Codes that no row names keep AWS's own words.
type explanation struct {
	codes   string // space-separated
	text    string // part of AWS's message; "" = any
	meaning string
	advice  string
	quota   string // "service: quota", as Service Quotas names them; "" = none
}

// chapters are the table, by what the errors are about.
var chapters = []struct {
	title string
	rows  []explanation
}{
	{"Reaching AWS, credentials and permissions", accessErrors},
	{"Rates, quotas and capacity", limitErrors},
	{"Inputs that AWS does not take", inputErrors},
	{"Things in each other's way, gone, or failing", stateErrors},
}

// lookUp finds the row of an error: one whose text is in AWS's message stands
// above one without a text. nil when there is none.
func lookUp(code, message string) *explanation {
	message = strings.ToLower(message)
	var plain *explanation
	for _, chapter := range chapters {
		for i := range chapter.rows {
			row := &chapter.rows[i]
			switch {
			case !slices.Contains(strings.Fields(row.codes), code):
			case row.text == "":
				if plain == nil {
					plain = row
				}
			case strings.Contains(message, strings.ToLower(row.text)):
				return row
			}
		}
	}
	return plain
}

// fullAdvice is the advice with the way to raise the quota.
func (e *explanation) fullAdvice() string {
	if e.quota == "" {
		return e.advice
	}
	service, quota, _ := strings.Cut(e.quota, ": ")
	return e.advice + " To raise the quota, open Service Quotas in the environment's Region, choose " + service +
		", then “" + quota + "”, and request an increase; retry when it is granted."
}

// Explanations lists the table for people, chapter by chapter.
func Explanations() []model.ErrorChapter {
	unknown := denialOf(&model.Problem{})
	var list []model.ErrorChapter
	for _, chapter := range chapters {
		c := model.ErrorChapter{Title: chapter.title}
		for _, row := range chapter.rows {
			c.Explanations = append(c.Explanations, model.Explanation{
				Codes: strings.Fields(row.codes), Text: row.text,
				Meaning: unknown.fill(row.meaning), Advice: unknown.fill(row.fullAdvice()),
			})
		}
		list = append(list, c)
	}
	return list
}
