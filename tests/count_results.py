#!/usr/bin/env python3
"""count_results.py BUILD LOG: what became of each test of a `meson test` run.

Prints "passed|failed|skipped TAB name TAB reason" for each case of the gtest
programs, and for each other test.  LOG is meson's testlog.json, not its
testlog.junit.xml: that one believes the cases alone, so a program that crashed
after them, or never ran and left the report of the run before, has passed.
"""

import json
import os
import sys
import xml.etree.ElementTree as xml


def gtest_cases(report, since):
    """The cases of a gtest program, if it came to report them."""
    # The clock of files is coarse, hence the second.
    if os.path.exists(report) and os.path.getmtime(report) > since - 1:
        return xml.parse(report).iter('testcase')
    return []


def last_line(text):
    """The last line that says something: not a caret, not a rule."""
    lines = [line for line in (text or '').split('\n') if any(map(str.isalnum, line))]
    return lines[-1].strip() if lines else ''


def of_case(case):
    failure, skipped = case.find('failure'), case.find('skipped')
    if failure is not None:
        return 'failed', last_line(failure.get('message'))
    if skipped is not None:
        return 'skipped', last_line(skipped.get('message'))
    if case.get('status') == 'notrun':
        return 'skipped', 'disabled'
    return 'passed', ''


def of_test(test):
    said = last_line(test.get('stderr') or test['stdout'])
    if test['result'] == 'OK':
        return 'passed', ''
    if test['result'] == 'SKIP':
        return 'skipped', said
    return 'failed', f"{test['result']}, exit status {test['returncode']}: {said}"


def results(build, test):
    name = test['name'].split(' / ')[-1]
    verdicts = []
    for case in gtest_cases(os.path.join(build, name + '.xml'), test['starttime']):
        verdicts.append(of_case(case))
        yield f"{name}: {case.get('classname')}.{case.get('name')}", *verdicts[-1]
    verdict, reason = of_test(test)
    if verdict not in [past for past, _ in verdicts]:
        # Nothing reported; or all passed, and yet the program failed.
        if not verdicts or verdict == 'failed':
            yield name, verdict, reason


def main(build, log):
    with open(log, encoding='utf-8') as lines:
        for line in lines:
            for name, verdict, reason in results(build, json.loads(line)):
                print(verdict, name, reason, sep='\t')


main(*sys.argv[1:])
