package ui

// iconPaths returns the strokes of an icon on a 24 by 24 grid. They are drawn
// for Drawbridge; an unknown name draws a dot.
func iconPaths(name string) []string {
	switch name {
	case "check":
		return []string{"M5 12.5l4.5 4.5L19 7.5"}
	case "x":
		return []string{"M6.5 6.5l11 11", "M17.5 6.5l-11 11"}
	case "minus":
		return []string{"M6 12h12"}
	case "plus":
		return []string{"M12 5.5v13", "M5.5 12h13"}
	case "circle":
		return []string{"M12 7.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 0 1 0-9z"}
	case "clock":
		return []string{"M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16z", "M12 8v4.5l3 1.8"}
	case "loader":
		return []string{"M12 4a8 8 0 1 1-7.4 5"}
	case "alert":
		return []string{"M12 4.5L21 19.5H3z", "M12 10v4.2", "M12 16.9v.1"}
	case "info":
		return []string{"M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16z", "M12 11v5", "M12 8v.1"}
	case "copy":
		return []string{"M9 9h10v10H9z", "M15 9V5H5v10h4"}
	case "play":
		return []string{"M8 5.5l10 6.5l-10 6.5z"}
	case "trash":
		return []string{"M5 7h14", "M9.5 7V4.5h5V7", "M7 7l.8 12.5h8.4L17 7"}
	case "link":
		return []string{"M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1", "M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1"}
	case "arrow":
		return []string{"M5 12h13", "M13 7l5 5l-5 5"}
	case "moon":
		return []string{"M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z"}
	case "shield":
		return []string{"M12 3.8l7 2.6v5.3c0 4.2-2.9 7-7 8.5c-4.1-1.5-7-4.3-7-8.5V6.4z"}
	default:
		return hopPaths(name)
	}
}

// hopPaths are the icons of the chain's hops.
func hopPaths(name string) []string {
	switch name {
	case "client":
		return []string{"M4 5h16v11H4z", "M9 20h6", "M12 16v4"}
	case "http-api":
		return []string{"M8.5 6L3.5 12l5 6", "M15.5 6l5 6l-5 6", "M13.3 5l-2.6 14"}
	case "vpc-link":
		return []string{"M4 9h5v6H4z", "M15 9h5v6h-5z", "M9 12h6"}
	case "alb":
		return []string{"M4 12h5", "M9 12c4 0 4-6 9-6", "M9 12h10", "M9 12c4 0 4 6 9 6"}
	case "target-group":
		return []string{"M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16z", "M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8z", "M12 11.9v.2"}
	case "instances":
		return []string{"M5 5h14v6H5z", "M5 13h14v6H5z", "M8.5 8v.1", "M8.5 16v.1"}
	case "bridge":
		return []string{"M3 18h18", "M5 18V5", "M19 18V5", "M5 6l7 12", "M19 6l-7 12"}
	}
	return []string{"M12 11.9v.2"}
}
