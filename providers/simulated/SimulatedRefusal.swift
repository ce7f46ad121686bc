import OsirisModel
import OsirisProviderKit

/// Why a store refused a change.
enum SimulatedRefusal: Error, Sendable, Equatable {
    /// Another object lives under the address already.
    case exists(id: String)
    /// The object to change is not there.
    case gone
    /// What the object would stand on is not there.
    case nothingBelow(String)
    /// A later run changed the store.
    case fenced(highest: Int, own: Int)
}

extension ProviderError {
    /// The error of a store, in the words of a provider.
    init(_ error: any Error, at address: ResourceAddress, action: String) {
        switch error {
        case let error as ProviderError: self = error
        case let error as StoreError:
            self.init(
                .rejected, "\(action) of \(address): \(error.message)",
                help: "repair the file, or remove it to begin with an empty store")
        case SimulatedRefusal.exists(let id):
            self.init(
                .rejected,
                "create of \(address): object \(id), which another operation made, is there already",
                help: "delete it in the store: append a line with op delete and its id")
        case SimulatedRefusal.gone:
            self.init(
                .rejected, "\(action) of \(address): the object is gone", help: "plan again; the plan will create it")
        case SimulatedRefusal.nothingBelow(let parent):
            self.init(
                .rejected, "\(action) of \(address): \(parent), which it stands on, is not there",
                help: "plan again; the plan will create it first")
        case SimulatedRefusal.fenced(let highest, let own):
            self.init(
                .fenced,
                "\(action) of \(address): the store was changed by a later run (lock \(highest), this run has \(own))")
        case is CancellationError:
            self.init(.transient, "\(action) of \(address) was cancelled before it was sent")
        default: self.init(.rejected, "\(action) of \(address): \(error)")
        }
    }
}
