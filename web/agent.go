package web

import "strings"

// programs are browsers by the mark that they leave in their name, the more
// particular before those whose mark they leave, too.
var programs = [][2]string{
	{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"},
}

// systems are what browsers run on, in the same order.
var systems = [][2]string{
	{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
}

// agentWords says in short what a browser calls itself at length: "Chrome 156
// on Linux". What is no browser stays as it is.
func agentWords(agent string) string {
	if !strings.HasPrefix(agent, "Mozilla/") {
		return agent
	}
	for _, p := range programs {
		_, rest, found := strings.Cut(agent, p[0])
		if !found {
			continue
		}
		words := p[1]
		if major, _, _ := strings.Cut(rest, "."); major != "" && len(major) < 5 {
			words += " " + major
		}
		for _, s := range systems {
			if strings.Contains(agent, s[0]) {
				return words + " on " + s[1]
			}
		}
		return words
	}
	return agent
}
