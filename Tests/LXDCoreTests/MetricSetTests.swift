import LXDCore
import Testing

@Suite struct MetricSetTests {
    @Test func theTextIsOpenMetrics() {
        var set = MetricSet()
        let owner: MetricLabels = ["project": "default", "name": "c1", "type": "container"]
        set.add(.processes, 7, owner)
        set.add(.cpuSeconds, seconds: 1.5, owner.with(["mode": "user", "cpu": "0"]))
        var other = MetricSet()
        other.add(.processes, 2, ["name": "c2"])
        set.merge(other)
        #expect(
            set.text == """
                # HELP lxd_cpu_seconds_total CPU time used, in seconds, by mode and processor.
                # TYPE lxd_cpu_seconds_total counter
                lxd_cpu_seconds_total{cpu="0",mode="user",name="c1",project="default",type="container"} 1.5
                # HELP lxd_procs_total Processes that run.
                # TYPE lxd_procs_total gauge
                lxd_procs_total{name="c1",project="default",type="container"} 7
                lxd_procs_total{name="c2"} 2
                # EOF

                """)
        #expect(MetricSet().text == "# EOF\n")
    }

    @Test func labelsCannotBreakOutOfTheirQuotes() {
        var set = MetricSet()
        set.add(.filesystemFree, 1, ["mountpoint": "/a\"} 5\n\\x"])
        #expect(set.text.contains(#"{mountpoint="/a\"} 5\n\\x"} 1"#))
    }

    @Test func eachMetricIsDescribedInOneLine() {
        for metric in Metric.allCases {
            #expect(metric.rawValue.hasPrefix("lxd_"))
            #expect(!metric.text.contains("\n") && metric.text.hasSuffix("."))
        }
        #expect(Set(Metric.allCases.map(\.rawValue)).count == Metric.allCases.count)
    }
}
