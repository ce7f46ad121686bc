// swift-tools-version:6.1
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .unsafeFlags(["-warnings-as-errors"]),
]

/// A module under Sources/. Dependencies point one way: a module names only modules listed above it.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// A provider: one folder under providers/, one line here, one line in Sources/osiris/Providers.swift.
func provider(
    _ name: String, folder: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(
        name: name,
        dependencies: ["OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisTransport", "OsirisProviderKit"]
            + dependencies,
        path: "providers/\(folder)", resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let hummingbird: [Target.Dependency] = [
    .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
]
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "osiris",
    products: [
        .executable(name: "osiris", targets: ["osiris"]),
        .executable(name: "osiris-hub", targets: ["osiris-hub"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.0.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.10.0"),
        // Hummingbird's own foundations, used by the hub directly.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.70.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.29.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibYAML"),
        .systemLibrary(name: "CLibCurl"),
        .systemLibrary(name: "CLibSSH2"),
        .systemLibrary(name: "CLibCrypto"),
        .systemLibrary(name: "CLibZ"),
        module("OsirisDiagnostics"),
        module("OsirisModel", ["OsirisDiagnostics", "CLibCrypto"]),
        module("OsirisManifest", ["OsirisDiagnostics", "OsirisModel", "CLibYAML"]),
        module(
            "OsirisTransport", ["OsirisDiagnostics", "OsirisModel", "CLibCurl", "CLibSSH2", "CLibCrypto", "CLibZ"]),
        module("OsirisProviderKit", ["OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisTransport"]),
        module("OsirisPlanner", ["OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisProviderKit"]),
        module("OsirisState", ["OsirisDiagnostics", "OsirisModel", "OsirisTransport", grdb]),
        module(
            "OsirisEngine",
            [
                "OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisProviderKit", "OsirisPlanner",
                "OsirisState",
            ]),
        module(
            "OsirisChaos",
            [
                "OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisProviderKit", "OsirisPlanner",
                "OsirisState", "OsirisEngine",
            ]),
        module(
            "OsirisRender", ["OsirisDiagnostics", "OsirisModel", "OsirisPlanner", "OsirisEngine"],
            // In the program itself: a page is made wherever that is.
            resources: ["page.html", "page.css", "elements.js", "map.js", "changes.js", "timeline.js", "page.js"].map {
                .embedInCode("Page/\($0)")
            }),
        module(
            "OsirisHub",
            ["OsirisModel", "OsirisTransport", grdb, httpTypes, nioSSL, lifecycle, logging] + hummingbird + nio,
            // In the program itself: it is one file wherever it goes.
            resources: [
                "Runtimes/python3.py", "Runtimes/node.cjs", "Page/page.html", "Page/page.css", "Page/client.js",
                "Page/charts.js", "Page/page.js",
            ].map { .embedInCode($0) }),
        provider("ProviderLocal", folder: "local"),
        provider("ProviderHub", folder: "hub"),
        provider("ProviderSimulated", folder: "simulated"),
        provider("ProviderAWS", folder: "aws"),
        provider(
            "ProviderSSH", folder: "ssh",
            // Sent to hosts by the program, wherever that is.
            resources: [
                "Probe/probe", "Scripts/begin", "Scripts/host", "Scripts/host-remove", "Scripts/move", "Scripts/engine",
                "Scripts/engine-remove", "Scripts/image", "Scripts/image-remove", "Scripts/hub-parts", "Scripts/hub",
                "Scripts/hub-confirm", "Scripts/hub-revert", "Scripts/hub-remove", "Scripts/cordon", "Scripts/uncordon",
                "Scripts/first-boot", "Scripts/first-boot-guard",
            ].map { .embedInCode("\($0).sh") }),
        .executableTarget(
            name: "osiris",
            dependencies: [
                "OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisTransport", "OsirisProviderKit",
                "OsirisPlanner", "OsirisState", "OsirisEngine", "OsirisChaos", "OsirisRender", "ProviderLocal",
                "ProviderHub", "ProviderSimulated", "ProviderSSH", "ProviderAWS", "CLibCurl", "CLibCrypto", "CLibSSH2",
                "CLibYAML",
                argumentParser,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "osiris-hub", dependencies: ["OsirisHub", argumentParser], exclude: ["image"], swiftSettings: strict),
        tests("OsirisModelTests", ["OsirisModel"]),
        tests("OsirisManifestTests", ["OsirisDiagnostics", "OsirisModel", "OsirisManifest"], exclude: ["Cases"]),
        tests("OsirisTransportTests", ["OsirisModel", "OsirisTransport"]),
        tests(
            "OsirisPlannerTests",
            ["OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisProviderKit", "OsirisPlanner"]),
        tests(
            "OsirisStateTests", ["OsirisDiagnostics", "OsirisModel", "OsirisTransport", "OsirisState", grdb],
            exclude: ["States", "Shared/etcd.py", "Shared/s3.py"]),
        tests(
            "OsirisEngineTests",
            [
                "OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisProviderKit", "OsirisPlanner",
                "OsirisState",
                "OsirisEngine",
            ]),
        tests("OsirisChaosTests", ["OsirisModel", "OsirisState", "OsirisChaos"]),
        tests(
            "OsirisRenderTests",
            ["OsirisDiagnostics", "OsirisModel", "OsirisPlanner", "OsirisEngine", "OsirisRender"], exclude: ["Cases"]),
        tests(
            "OsirisHubTests",
            ["OsirisModel", "OsirisTransport", "OsirisHub", "osiris-hub", grdb, httpTypes, logging] + hummingbird + nio,
            exclude: ["Catalogs"]),
        tests(
            "ProviderTests",
            [
                "OsirisDiagnostics", "OsirisModel", "OsirisManifest", "OsirisTransport", "OsirisProviderKit",
                "ProviderLocal", "ProviderHub", "ProviderSimulated", "ProviderSSH", "ProviderAWS", "osiris-hub",
            ], exclude: ["AWS/aws.py", "AWS/credentials.py"]),
        tests("StructureTests", []),
        tests("RackTests", ["osiris"], exclude: ["cut_off.sh", "load.py", "repository.py", "variant.py"]),
        tests(
            "EndToEndTests",
            [
                "OsirisModel", "OsirisManifest", "OsirisProviderKit", "OsirisPlanner", "OsirisState", "OsirisEngine",
                "OsirisTransport", "ProviderSimulated", "ProviderAWS", "osiris", "osiris-hub",
            ]),
    ]
)
