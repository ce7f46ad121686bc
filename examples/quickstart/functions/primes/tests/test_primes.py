"""Tests in Python, run beside the function's code."""
import math
import unittest

import primes


class FactorTests(unittest.TestCase):
    def test_the_factors_of_a_number_make_it_again(self):
        for number in range(2, 500):
            self.assertEqual(math.prod(primes.factor(number)["factors"]), number)
