exports.handle = x => x
