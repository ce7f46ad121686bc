/// The stable codes of all diagnostics. A code is never reused for another fault.
///
/// OSR00xx reading files and YAML · OSR01xx the manifest · OSR02xx variables · OSR03xx planning
/// · OSR04xx state and locks · OSR05xx applying · OSR06xx providers and transports
/// · OSR07xx hosts reached over SSH.
public enum DiagnosticCode: String, Sendable, Codable, CaseIterable {
    // Reading files and YAML.
    case fileUnreadable = "OSR0001"
    case yamlSyntax = "OSR0002"
    case duplicateKey = "OSR0003"
    case undefinedAlias = "OSR0004"
    case documentTooComplex = "OSR0005"
    case nonStringKey = "OSR0006"
    case emptyManifest = "OSR0007"
    case invalidEncoding = "OSR0008"

    // The manifest.
    case unknownKey = "OSR0101"
    case wrongType = "OSR0102"
    case missingKey = "OSR0103"
    case invalidQuantity = "OSR0104"
    case invalidChoice = "OSR0105"
    case invalidName = "OSR0106"
    case duplicateName = "OSR0107"
    case outOfRange = "OSR0108"
    case missingSource = "OSR0109"
    case unknownTarget = "OSR0110"
    case unknownProvider = "OSR0111"
    case unsupportedVersion = "OSR0112"
    case conflictingKeys = "OSR0113"
    case severalClusters = "OSR0114"
    case invalidPattern = "OSR0115"
    // OSR0116 was a runtime of a later version.
    case overlayPatch = "OSR0121"
    case circular = "OSR0122"
    case unknownMachine = "OSR0123"
    case movedEntry = "OSR0124"

    // Variables and expressions.
    case undefinedVariable = "OSR0201"
    case undefinedEnvironment = "OSR0202"
    case invalidExpression = "OSR0203"
    case variableWithoutValue = "OSR0204"
    case variableType = "OSR0205"
    case unknownVariableGiven = "OSR0206"

    // Planning.
    case dependencyCycle = "OSR0301"
    case unknownDependency = "OSR0302"
    case duplicateAddress = "OSR0303"
    case resourceUnreadable = "OSR0304"
    case deleteLimit = "OSR0305"
    case protectedResource = "OSR0306"
    case noMatch = "OSR0307"
    case emptyCluster = "OSR0308"
    case planFile = "OSR0309"
    case stalePlan = "OSR0310"
    case portConflict = "OSR0312"
    case expiresSoon = "OSR0313"
    case machineOffline = "OSR0314"
    case movedTaken = "OSR0315"
    case looksRenamed = "OSR0316"

    // State and locks.
    case stateUnreadable = "OSR0401"
    case stateDamaged = "OSR0402"
    case stateTooNew = "OSR0403"
    case stateLocked = "OSR0404"
    case lockLost = "OSR0405"
    case stateKey = "OSR0406"
    case stateOtherCluster = "OSR0407"
    case stateWrite = "OSR0408"
    case stateNotEmpty = "OSR0409"
    case doubleClaim = "OSR0410"
    case placeUnreadable = "OSR0411"
    case severalLineages = "OSR0412"
    case parentMissing = "OSR0413"
    case stateFilesystem = "OSR0414"
    case stateMoved = "OSR0415"
    case statePlace = "OSR0416"
    case stateMigration = "OSR0417"

    // Applying.
    case operationFailed = "OSR0501"
    case inconsistentResult = "OSR0505"
    case unresolvedIntent = "OSR0506"
    case machineFailed = "OSR0507"
    case putBackFailed = "OSR0508"

    // Providers, transports, the hub.
    case hubUnreachable = "OSR0602"
    case callFailed = "OSR0604"
    case usage = "OSR0606"
    case hubNotTrusted = "OSR0607"
    case hubOtherName = "OSR0608"
    case hubCertificateExpired = "OSR0609"
    case hubRefused = "OSR0612"
    case auditBroken = "OSR0613"
    case backupFile = "OSR0614"
    case hubNotEmpty = "OSR0615"
    case bundle = "OSR0616"

    // Hosts reached over SSH.
    case hostUnreachable = "OSR0701"
    case hostKeyUnknown = "OSR0702"
    case hostKeyChanged = "OSR0703"
    case hostLoginRefused = "OSR0704"
    case hostRights = "OSR0705"
    case hostUnsupported = "OSR0706"
    case hostPortTaken = "OSR0707"
    case hostTooSmall = "OSR0708"
    case hostClock = "OSR0709"
    case hostOtherCluster = "OSR0710"
    case hostNoEngine = "OSR0711"
    case hostCommand = "OSR0712"
    case hostTwice = "OSR0713"
    case hostForgotten = "OSR0715"
    case hostCordoned = "OSR0716"
    case hostFirewall = "OSR0717"

    // Clouds.
    case cloudCredentials = "OSR0801"
    case cloudNotAllowed = "OSR0802"
    case cloudMissing = "OSR0803"
    case cloudTaken = "OSR0804"
    case cloudQuota = "OSR0805"
}
