extension Explanation {
    /// Variables and expressions.
    static let variables: [DiagnosticCode: Explanation] = [
        .undefinedVariable: Explanation(
            "the variable is not declared",
            cause: "misspelt",
            fix: "declare it under `spec.variables`",
            example: #"""
                env: {REGION: "${var.regoin}"}
                """#),
        .undefinedEnvironment: Explanation(
            "the environment variable is not set",
            cause: "not exported",
            fix: "set it, or use a variable with a default",
            example: #"""
                env: {REGION: "${env.REGION}"}   # not exported
                """#),
        .invalidExpression: Explanation(
            "not an expression, or not allowed here",
            cause: "`${x}`; a secret outside `env`, `secrets` and `secretFiles`; a shell `${…}` in a command",
            fix: "`${var.NAME}`, `${env.NAME}`, or `$${` for a literal one",
            example: #"""
                env: {REGION: "${region}"}
                """#),
        .variableWithoutValue: Explanation(
            "the variable has no value",
            cause: "its environment variable or file is not there",
            fix: "`--var NAME=…`, or a default",
            example: #"""
                variables:
                  region: {type: string}   # no default, nothing given
                """#),
        .variableType: Explanation(
            "the value does not fit the type",
            cause: "text for an `int`; a list where a text is wanted",
            fix: "give a value of the type",
            example: "osiris plan --var port=http    # port has `type: int`"),
        .unknownVariableGiven: Explanation(
            "a value for an undeclared variable, in `--var` or `--var-file`",
            cause: "misspelt",
            fix: "declare it, or mend the name",
            example: "osiris plan --var regoin=eu-1"),
    ]
}
