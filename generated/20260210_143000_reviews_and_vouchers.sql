-- Revision: 20260210_143000_reviews_and_vouchers
-- Date: 2026-02-10 14:30:00 UTC
-- Description: reviews and vouchers
-- From: b410081fb62273ee8ba32556d0f281face01024baee8863fb4b784c0498be4f5 (PostgreSQL 17)
-- To: bfcfea75adf62a7c85727d1311be0dc45493df45f36628c80aee5c1805ce7354 (PostgreSQL 17)
-- Proof: rehearsed on a scratch copy with rows in 1 table
-- Written by: schemadiff 0.1.0

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

ALTER TYPE shop.order_status ADD VALUE 'refunded';

ALTER TYPE shop.payment_method ADD VALUE 'voucher';

COMMIT;

BEGIN;
SET LOCAL lock_timeout = '3s';
SET LOCAL search_path = '';
SET LOCAL check_function_bodies = false;

CREATE TABLE shop.review (
    product_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    stars smallint NOT NULL,
    body text NOT NULL DEFAULT ''::text,
    created_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT review_stars_check CHECK (((stars >= 1) AND (stars <= 5))),
    CONSTRAINT review_pkey PRIMARY KEY (product_id, customer_id)
);

CREATE TABLE shop.voucher (
    code text NOT NULL,
    amount shop.money_amount NOT NULL,
    valid tstzrange NOT NULL DEFAULT tstzrange(now(), NULL::timestamp with time zone),
    redeemed_by bigint,
    CONSTRAINT voucher_pkey PRIMARY KEY (code),
    CONSTRAINT voucher_is_redeemed_once EXCLUDE USING btree (redeemed_by WITH =)
);

-- ACCESS EXCLUSIVE on shop.customer
ALTER TABLE shop.customer ADD COLUMN newsletter boolean NOT NULL DEFAULT false;

-- ACCESS EXCLUSIVE on shop.customer
ALTER TABLE shop.customer ALTER COLUMN phone TYPE text;

CREATE OR REPLACE VIEW shop.available_stock AS
 SELECT product_id,
    sum((quantity - reserved)) AS available
   FROM shop.stock
  GROUP BY product_id;

CREATE MATERIALIZED VIEW shop.product_rating AS
 SELECT product_id,
    round(avg(stars), 2) AS stars,
    count(*) AS reviews
   FROM shop.review
  GROUP BY product_id
  WITH NO DATA;

CREATE UNIQUE INDEX product_rating_product_id_idx ON shop.product_rating USING btree (product_id);

ALTER TABLE shop.review ADD CONSTRAINT review_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES shop.customer (id);

-- SHARE ROW EXCLUSIVE on shop.product
ALTER TABLE shop.review ADD CONSTRAINT review_product_id_fkey FOREIGN KEY (product_id) REFERENCES shop.product (id);

-- SHARE ROW EXCLUSIVE on shop.orders
ALTER TABLE shop.voucher ADD CONSTRAINT voucher_redeemed_by_fkey FOREIGN KEY (redeemed_by) REFERENCES shop.orders (id);

REFRESH MATERIALIZED VIEW shop.product_rating;

COMMIT;
