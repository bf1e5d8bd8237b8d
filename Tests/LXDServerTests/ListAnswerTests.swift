import Foundation
import LXDAPI
import LXDHTTP
import NIOCore
import Testing

@testable import LXDServer

@Suite struct ListAnswerTests {
    @Test(arguments: [0, 1, 128, 129, 300])
    func aListInPartsIsTheSameText(count: Int) async throws {
        let elements = (0..<count).map { number in
            Instance.with {
                $0.name = "c\(number)"
                $0.config = ["user.text": "a \"quoted\" line\n", "limits.cpu": "\(number)"]
            }
        }
        let whole = try text(.sync(elements))
        let parts = try await text(.list(elements))
        #expect(parts == whole)
    }

    private func text(_ answer: Answer) throws -> String {
        guard case .response(let response) = answer.reply, case .bytes(let buffer) = response.body else { return "" }
        return String(buffer: buffer)
    }
}
