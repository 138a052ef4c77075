// Package terraform shows that Terraform and its AWS provider, which we did not
// write, are satisfied with the simulated AWS: what they apply answers, what
// they read back is what they wrote, and nothing is left after a destroy. It
// has tests only.
package terraform
